import pytest

from qbrain_core.factors import alpha158, alpha360
from qbrain_core.factors.expression import parse
from qbrain_core.factors.units import check_units, unit_of


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("$close", "price"),
        ("$volume", "volume"),
        ("$close*$volume", "money"),
        ("$amount/$volume - $vwap", "price"),
        ("$close + 1", "price"),
        ("2*$close", "price"),
        ("Mean($close, 5)/$close - 1", "pure number"),
        ("Log($volume)", "pure number"),
        ("Sqrt(Var($close, 5))", "price"),
        ("$close**2", "money^2/shares^2"),
        ("Sqrt($amount)", "money^(1/2)"),
        ("1/$close", "shares/money"),
        ("Cov($close, $volume, 5)", "money"),
        ("Corr($close, $volume, 5)*$close", "price"),
        ("($close > $open)*$volume", "volume"),
        ("If($close > $open, $close, 1)", "price"),
        ("Count($close, 5)", "pure number"),
        ("CSRank($close)", "pure number"),
        ("CSNeutralize($close, $industry)", "price"),
        ("ChangeInstrument('X', $close)", "price"),
        ("TResample($volume, 'W', 'sum')", "volume"),
        ("TResample($volume, 'W', 'count')", "pure number"),
        ("P($$revenue_q)/$market_cap", "pure number"),
        ("$close/$$eps_ttm", "pure number"),
        ("TA_SMA($close, 5)", "price"),
        ("$benchmark_close", "index points"),
    ],
)
def test_unit_of_known_expression(text: str, unit: str) -> None:
    assert str(unit_of(parse(text))) == unit


@pytest.mark.parametrize(
    "text", ["$my_own", "$close**1e300", "$my_own*$close", "TA_RSI($close)", "$close**$my_own", "Prod($close, 3)"]
)
def test_unit_not_known_is_none(text: str) -> None:
    assert unit_of(parse(text)) is None


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("$close + $volume", 7, "+ joins a price and volume"),
        ("$close*2 > Mean($volume, 5)", 9, "> joins a price and volume"),
        ("If($close > 1, $close, $volume)", 0, "If joins a price and volume"),
        ("Greater($amount, $close)", 0, "Greater joins money and a price"),
        ("$close + Corr($close, $volume, 5)", 7, "+ joins a price and a pure number"),
        ("$close - $benchmark_close", 7, "- joins a price and index points"),
        ("1 + Exp($close)", 4, "Exp takes a pure number, not a price"),
        ("2**$close", 1, "** takes a pure number, not a price"),
        ("TA_ATR($high, $low, $volume)", 0, "TA_ATR joins a price and volume"),
    ],
)
def test_check_units_that_do_not_match_are_found_at_their_place(text: str, at: int, words: str) -> None:
    (finding,) = check_units(parse(text))
    assert (finding.at, str(finding)) == (at, words)


@pytest.mark.parametrize(
    "text",
    ["$close + 1e-12", "$volume > 0", "$my_own + $close", "TA_RSI($close) + $close", "Log($close) - Log($volume)"],
)
def test_check_units_that_match_or_are_not_known_are_not_found(text: str) -> None:
    assert check_units(parse(text)) == []


def test_check_units_of_sets_that_everybody_uses_finds_nothing() -> None:
    assert not [text for text in (*alpha158().values(), *alpha360().values()) if check_units(parse(text))]
