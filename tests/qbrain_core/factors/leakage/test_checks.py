import string
import time

import polars as pl
import pytest

from qbrain_core.errors import UnknownNameError
from qbrain_core.factors import FACTOR_SETS, alpha158
from qbrain_core.factors.expression import FactorSyntaxError
from qbrain_core.factors.leakage import CHECKS, FINDINGS, Outcome, check_expressions, check_foresight, check_knowledge
from qbrain_core.factors.leakage.report import Finding


def test_expressions_honest_and_dishonest_are_told_apart(synthetic_fields: pl.DataFrame) -> None:
    texts = {"GOOD": "Mean($close, 5)/$close", "BAD": "Mean(Ref($close, -2), 5)/$close", "EMA": "EMA($close, 5)"}
    report = check_expressions(texts, synthetic_fields, subject="mine")
    assert report.failed == ("BAD",)
    static, probe, _, _ = report.checks
    assert [f.params for f in static.findings] == [{"sessions": 2}]
    assert [f.code for f in probe.findings] == ["future_value"]
    assert (report.subject, report.factors, report.instruments) == ("mine", 3, 6)
    assert report.rows == synthetic_fields.height


def test_expressions_future_brought_back_to_the_past_is_refused_though_its_values_are_honest(
    synthetic_fields: pl.DataFrame,
) -> None:
    report = check_expressions({"x": "Ref(Ref($close, -1), 1)"}, synthetic_fields)
    static, probe, *_ = report.checks
    assert (static.outcome, probe.findings) == (Outcome.FAIL, ())


def test_expressions_wrong_ones_are_refused(synthetic_fields: pl.DataFrame) -> None:
    with pytest.raises(FactorSyntaxError):
        check_expressions({"x": "Mean($close"}, synthetic_fields)
    with pytest.raises(UnknownNameError):
        check_expressions({"x": "$clsoe"}, synthetic_fields)


def test_foresight_column_that_held_the_future_when_it_came_is_found(synthetic_fields: pl.DataFrame) -> None:
    baked = synthetic_fields.sort("instrument", "session").with_columns(
        target=pl.col("close").shift(-2).over("instrument") / pl.col("close").shift(-1).over("instrument")
    )
    report = check_expressions({"x": "CSRank($target)", "y": "$target*-1", "z": "CSRank($close)"}, baked)
    assert [(f.code, f.factor) for f in report.checks[3].findings] == [("foretells", "x"), ("foretells", "y")]
    assert all("after the next" in f.sentence for f in report.checks[3].findings)
    assert check_foresight(baked.head(100).select("instrument", "session", x="target"), baked).findings == ()


@pytest.mark.parametrize(
    ("period", "known", "outcome", "count"),
    [
        ([202304, 202301], ["2024-03-20", "2023-04-28"], Outcome.PASS, 0),
        ([202304, 202301], ["2023-12-31", "2023-04-28"], Outcome.FAIL, 1),
        ([202312, 202306], ["2023-12-30", "2023-08-30"], Outcome.FAIL, 1),
        ([202304, 202301], [None, "2023-04-28"], Outcome.FAIL, 1),
        ([202304] * 11, ["2023-12-31", *["2024-04-01"] * 10], Outcome.WARN, 1),
    ],
)
def test_knowledge_reports_dated_by_their_period_are_found(
    period: list[int], known: list[str | None], outcome: Outcome, count: int
) -> None:
    statements = pl.DataFrame({"period": period, "known_at": known}).with_columns(
        pl.col("known_at").cast(pl.String).str.to_date()
    )
    check = check_knowledge(statements)
    assert check.outcome is outcome
    assert sum(f.params["rows"] for f in check.findings) == count


def test_statements_restated_are_seen_as_they_were(synthetic_fields: pl.DataFrame) -> None:
    days = synthetic_fields["session"].unique().sort()
    rows = [
        (name, period, known, "roe", value)
        for name in synthetic_fields["instrument"].unique().sort()
        for period, known, value in ((201904, days[5], 1.0), (202001, days[60], 2.0), (201904, days[120], 9.0))
    ]
    schema = {"instrument": pl.String, "period": pl.Int64, "known_at": pl.Date, "field": pl.String, "value": pl.Float64}
    statements = pl.DataFrame(rows, schema=schema, orient="row")
    report = check_expressions({"x": "P(Mean($$roe, 2))"}, synthetic_fields, statements=statements)
    assert [c.name for c in report.checks] == ["static", "probe", "startup", "foresight", "knowledge"]
    assert [f.code for c in report.checks if c.name == "probe" for f in c.findings] == []


@pytest.mark.real
def test_sets_that_ship_raise_no_alarm_on_real_stocks(cn_fields: pl.DataFrame) -> None:
    days = cn_fields["session"].unique().sort()
    names = cn_fields["instrument"].unique().sort()[:10]
    rows = cn_fields.filter(pl.col("instrument").is_in(names.implode()), pl.col("session") >= days[-400])
    report = check_expressions(FACTOR_SETS["alpha158"].expressions, rows, cuts=2)
    assert report.findings == ()


def test_expression_in_the_editor_takes_about_a_second(synthetic_fields: pl.DataFrame) -> None:
    text = {"x": alpha158()["RESI10"]}
    check_expressions(text, synthetic_fields)
    begun = time.process_time()
    check_expressions(text, synthetic_fields)
    assert time.process_time() - begun < 1.0


def test_findings_are_worded_with_their_params() -> None:
    for code, text in FINDINGS.items():
        params = {name: "?" for _, name, _, _ in string.Formatter().parse(text) if name}
        assert "{" not in Finding(code=code, severity=Outcome.WARN, params=params).sentence
    assert len(CHECKS) == 7
