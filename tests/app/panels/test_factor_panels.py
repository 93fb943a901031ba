"""Parts of the factor pages that need no browser."""

from dataclasses import replace

import polars as pl
import pytest

from app.factor_data import factor_rows, reach, table_name
from app.i18n import catalogue
from app.panels.expression_text import expression_html
from app.panels.factor_check import check
from app.panels.factor_figures import coefficient_rows, distribution_rows, headline
from app.panels.factor_library import search
from app.panels.factor_tree import tree_html
from app.panels.factor_words import vocabulary
from app.panels.leakage import leakage_badge, leakage_html
from app.panels.preview_data import most_sessions
from qbrain_core.factors import FACTOR_SETS, FactorSet
from qbrain_core.factors.explain import explain
from qbrain_core.factors.expression import parse
from qbrain_core.factors.leakage import Check, Finding, LeakageReport, Outcome
from qbrain_core.factors.operators import OPERATORS

SMALL = FactorSet("small", {"MOM": "$close / Ref($close, 20) - 1", "AGE": "EMA($volume, 5)"}, owner="me", version=3)


def test_factor_rows_say_what_is_read_and_how_far_back():
    frame = factor_rows([SMALL])
    assert frame["set"].to_list() == ["small@3"] * 2
    assert frame["fields"].to_list() == ["$close", "$volume"]
    assert frame["lookback"].to_list() == [20, None]
    assert reach("Mean($close, 5)/$open").fields == ("close", "open")


def test_table_name_is_that_of_the_values():
    assert table_name(SMALL) == f"factors/small-{SMALL.digest[:8]}"
    other = replace(SMALL, expressions={"MOM": "$close"})
    assert table_name(other) != table_name(SMALL)


@pytest.mark.parametrize(
    ("text", "only", "expected"),
    [
        ("", "", ["MOM", "AGE"]),
        ("mom", "", ["MOM"]),
        ("$volume", "", ["AGE"]),
        ("ref($close,20)", "", ["MOM"]),
        ("ref close", "", ["MOM"]),
        ("nothing", "", []),
        ("", "other", []),
    ],
)
def test_search_looks_at_names_and_expressions(text, only, expected):
    assert search(factor_rows([SMALL]), text, only)["factor"].to_list() == expected


def test_search_puts_names_that_begin_so_first():
    frame = pl.DataFrame({"factor": ["XA", "A1"], "set": ["s", "s"], "expression": ["$a", "$x"]})
    assert search(frame, "a")["factor"].to_list() == ["A1", "XA"]


def test_check_of_an_expression_that_cannot_be_read_marks_the_word():
    found = check("Mean($clos, 5)")
    assert not found.usable
    assert found.marks == [(5, 10, "red")]
    assert "close" in found.rule


def test_check_refuses_what_looks_ahead_and_warns_of_units():
    assert not check("Ref($close, -1) / $close").usable
    joined = check("$close + $volume")
    assert joined.usable
    assert [(mark[0], mark[2]) for mark in joined.marks] == [(7, "amber")]
    assert check("  ").marks == []


def test_tree_and_text_are_escaped():
    found = explain("ChangeInstrument('<b>', $close) + Mean($close, 5)")
    assert "<b>" not in tree_html(found.tree)
    html = expression_html("If($a<1, '<b>', Nope(2))", [(10, 15, "red")])
    assert "&lt;" in html
    assert "<b>" not in html
    assert 'class="qb-text qb-wrong qb-red"' in html


def test_vocabulary_words_every_operator_in_both_languages():
    for language in ("en", "zh"):
        words = {word["name"]: word for word in vocabulary(language)}
        assert set(OPERATORS) <= set(words)
        assert [name for name in OPERATORS if not words[name]["sentence"]] == []
    assert words["Corr"]["shape"].startswith("Corr(x, y, ")


def test_preview_of_a_market_is_kept_small():
    assert most_sessions(300, 60) == 600_000 // 300 - 60
    assert most_sessions(5_000, float("inf")) == 120
    assert most_sessions(100_000, 60) == 20
    assert parse(next(iter(FACTOR_SETS["alpha158"].expressions.values())))


def test_leakage_report_is_told_check_by_check():
    finding = Finding(code="later_session", severity=Outcome.FAIL, factor="<TOMORROW>", params={"sessions": 1})
    report = LeakageReport(market="DEMO", checks=(Check(name="static", findings=(finding,)), Check(name="probe")))
    html = leakage_html(report)
    assert "&lt;TOMORROW&gt;</b> It refers to a later session (1 ahead)." in html
    assert html.index("looks ahead") < html.index("no look-ahead found")
    assert "qb-red" in leakage_badge(report)
    assert "not probed yet" in leakage_badge(None)


def test_figures_of_a_factor_are_written_with_their_signs_and_units():
    numbers = {
        **{f"{c}_{m}": 0.5 for c in ("ic", "rank_ic") for m in ("mean", "std", "t", "p", "positive")},
        "icir": -0.25, "rank_icir": None, "half_life": 4.25, "net_return": -0.012, "gross_return": 0.1,
        "net_sharpe": 1.0, "gross_sharpe": 2.0, "monotonicity": 1.0, "turnover": 0.1774, "break_even_bps": 13.94,
        "coverage": 0.985, "names": 291.2,
    }  # fmt: skip
    shown = {kpi.label: kpi for kpi in headline(numbers)}
    assert (shown["Rank IC"].value, shown["Rank IC"].tone) == ("+0.5000", "amber")  # t of 0.5 is weak
    assert shown["Rank ICIR"].value == "–"
    assert (shown["Long-short, net"].value, shown["Long-short, net"].trend) == ("-1.2%", -0.012)
    assert shown["Break-even cost"].value == "13.9 bps"
    rows = {name: values for name, *values in coefficient_rows(numbers)}
    assert rows["Deviation"] == ["0.5000", "0.5000"]
    assert rows["Mean ÷ deviation"] == ["-0.250", "–"]
    assert rows["Share above zero"] == ["50.0%", "50.0%"]
    moments = dict.fromkeys(("mean", "std", "skew", "kurtosis", "min", "p1", "p25", "median", "p75", "p99", "max"), 1.0)
    assert distribution_rows({"raw": moments | {"skew": None}})[2] == ["Skewness", "–"]


def test_what_ships_is_described_in_chinese():
    known = catalogue("zh")
    assert [s.name for s in FACTOR_SETS.values() if s.description not in known] == []
