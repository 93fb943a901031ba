"""Checks of what came, file by file and source against source."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from check_case import assert_finds

from lake import Lake
from lake.quality import (
    CHECKS,
    SUBJECTS,
    Delivery,
    Surroundings,
    date_forms,
    delivery_findings,
    findings_frame,
    last_delivery,
    symbol_forms,
)
from lake.quality.check import Finding
from qbrain_core.markets import MARKETS

US = MARKETS["US"]
DAYS = [date(2024, 1, d) for d in range(2, 32)]


def rows(instrument: str = "A.US", **columns: object) -> pl.DataFrame:
    close = [round(100 + 3 * ((7 * i) % 5) + 0.13 * i, 2) for i in range(30)]
    frame = pl.DataFrame(
        {"instrument": instrument, "session": DAYS, "close": close, "volume": 5.0, "price_basis": "raw"}
    )
    frame = frame.with_columns(open=pl.col("close"), high=pl.col("close") + 1, low=pl.col("close") - 1)
    return frame.with_columns(**{k: v if isinstance(v, pl.Expr) else pl.lit(v) for k, v in columns.items()})


BEFORE = rows()
AGAIN = rows(close=pl.when(pl.col("session") == DAYS[3]).then(pl.col("close") + 1).otherwise("close"))
SPLIT = rows(close=pl.when(pl.col("session") == DAYS[3]).then(pl.col("close") / 2).otherwise("close"))
WHOLE = rows(**{c: pl.lit(1_250_000.0) for c in ("open", "high", "low", "close")})
TWO = pl.concat([rows(), rows("B.US")])
CASES: dict[str, tuple[pl.DataFrame, pl.DataFrame, int, Surroundings]] = {
    "error_body": (rows(damage="error_body"), rows(damage=None), 30, Surroundings()),
    "repeated_header": (rows(damage="repeated_header"), rows(damage="error_body"), 30, Surroundings()),
    "null_row": (rows(damage="null_row"), rows(damage=None), 30, Surroundings()),
    "repeated_row": (pl.concat([rows(), rows().head(1)]).with_row_index("row"), rows().with_row_index("row"), 2,
        Surroundings()),
    "conflicting_duplicate": (rows(), rows().head(1), 30, Surroundings()),
    "restated_history": (AGAIN, rows(), 1, Surroundings(US, stored=BEFORE)),
    "restated_by_split": (SPLIT, AGAIN, 1, Surroundings(US, stored=BEFORE)),
    "price_scale": (WHOLE, rows(), 1, Surroundings(US)),
    "adjusted_prices": (rows(close=pl.col("close") * 0.3217), rows(), 1, Surroundings(US)),
    "percent_not_ratio": (
        rows(change=(pl.col("close") / pl.col("close").shift(1) - 1) * 100),
        rows(change=pl.col("close") / pl.col("close").shift(1) - 1), 1, Surroundings(US),
    ),
    "source_disagreement": (AGAIN, rows(close=pl.col("close") * 2), 1, Surroundings(US, stored=BEFORE,
        same_source=False)),
    "source_scale": (rows(close=pl.col("close") * 2), AGAIN, 1, Surroundings(US, stored=BEFORE, same_source=False)),
    "not_in_other_source": (TWO, rows(), 1, Surroundings(US, stored=BEFORE, same_source=False)),
    "twin_series": (TWO, pl.concat([rows(), rows("B.US", close=pl.col("close") + 0.5)]), 1, Surroundings(US)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_check_finds_its_case_and_nothing_beside_it(name: str) -> None:
    assert_finds(name, *CASES[name])


def test_every_check_of_deliveries_has_a_case() -> None:
    subjects = ("damage", "deliveries", "cross_source")
    assert set(CASES) == {c.name for subject in subjects for c in SUBJECTS[subject]} - {"unknown_columns"}


def test_what_was_restated_is_told() -> None:
    found = CHECKS["restated_history"].find(AGAIN, Surroundings(US, stored=BEFORE))
    assert found.select("session", "changed").rows() == [(DAYS[3], "close")]
    assert CHECKS["restated_history"].find(AGAIN, Surroundings(US, stored=BEFORE, same_source=False)).is_empty()
    assert CHECKS["source_disagreement"].find(AGAIN, Surroundings(US, stored=BEFORE)).is_empty()


def delivery(rows: int = 10, instruments: int = 10, table: str = "bars", **traits: object) -> Delivery:
    columns = {"symbol": "String", "close": "Float64"}
    return Delivery("vendor", table, "a.csv", columns, rows, "US", instruments, DAYS[0], DAYS[9], traits=traits)


@pytest.mark.parametrize(
    ("now", "last", "expected"),
    [
        (delivery(), None, []), (delivery(), delivery(), []), (delivery(0, 0), delivery(), ["empty_delivery"]),
        (delivery(instruments=9), delivery(), ["delivery_size"]), (delivery(bom=True), None, ["byte_order_mark"]),
        (delivery(newest_first=True), None, ["newest_first"]), (delivery(date_forms=["YYYY-MM-DD"]), None, []),
        (delivery(date_forms=["M/D/YYYY"]), None, ["odd_dates"]),
        (delivery(date_forms=["YYYY-MM-DD", "YYYYMMDD"]), None, ["odd_dates"]),
        (delivery(symbol_forms=["BRK.B"]), delivery(symbol_forms=["BRK-B"]), ["symbol_form"]),
        (delivery(symbol_forms=["BRK.B", "BRK-B"]), None, ["symbol_form"]),
        (delivery(header_missing=True), None, ["missing_header"]),
        (delivery(zone_stated=False), None, []), (delivery(table="bars_intraday", zone_stated=False), None,
        ["zone_not_stated"]),
    ],
)  # fmt: skip
def test_files_are_judged_by_their_looks(now: Delivery, last: Delivery | None, expected: list[str]) -> None:
    assert [f.check for f in delivery_findings(now, last)] == expected


def test_schema_drift_names_what_changed() -> None:
    last = delivery()
    moved = Delivery("vendor", "bars", "b.csv", {"close": "String", "adj": "Float64"}, 10, "US", 10)
    found = delivery_findings(moved, last)
    assert [f.check for f in found] == ["schema_drift"]
    assert [(e["column"], e["change"]) for e in found[0].examples] == [
        ("adj", "is new"), ("symbol", "is gone"), ("close", "was Float64"),
    ]  # fmt: skip
    swapped = Delivery("vendor", "bars", "b.csv", dict(reversed(last.columns.items())), 10, "US", 10)
    assert [f.examples[0]["change"] for f in delivery_findings(swapped, last)] == ["stand in another order"]


def test_forms_of_dates_and_symbols() -> None:
    assert date_forms(["2024-01-02", "2024-01-03"]) == ["YYYY-MM-DD"]
    assert date_forms(["1/2/1990", "20240103", "soon"]) == ["YYYYMMDD", "M/D/YYYY", "other"]
    assert date_forms([]) == []
    assert symbol_forms(["sh.600000", "sz.000001", "SH600000", "AAPL"]) == ["sh.600000", "SH600000"]
    assert symbol_forms(["600000.SH", "BRK-B", "000001"]) == ["600000.SH", "600000", "BRK-B"]


def test_the_last_delivery_is_found_again(lake: Lake) -> None:
    first, second = delivery(bom=True), delivery(20, 19)
    for day, given in enumerate((first, second, delivery(0, 0))):
        with lake.commit(f"job{day}", 1) as transaction:
            transaction.upsert("deliveries", given.frame(job_id=f"job{day}", at=datetime(2024, 1, day + 1, tzinfo=UTC)))
    # a delivery without rows says nothing about columns
    assert last_delivery(lake.scan("deliveries"), "vendor", "bars") == second
    assert last_delivery(lake.scan("deliveries"), "vendor", "instruments") is None


def test_findings_become_rows_of_their_table(lake: Lake) -> None:
    found = [Finding("zero_volume", "warning", 3, [{"session": "2024-01-02"}], 2, DAYS[0], DAYS[2])]
    frame = findings_frame(
        found * 2, job_id="j", table="bars", source="a.csv", at=datetime(2024, 1, 1, tzinfo=UTC), market="US"
    )
    with lake.commit("j", 1) as transaction:
        transaction.upsert("findings", frame)
    stored = lake.sql("SELECT * FROM findings").row(0, named=True)
    assert (stored["check"], stored["rows"], stored["instruments"], stored["market"]) == ("zero_volume", 3, 2, "US")
    assert (stored["session_from"], stored["session_to"], stored["data_version"]) == (DAYS[0], DAYS[2], None)
    assert findings_frame([], job_id="j", table="bars", source="a", at=datetime(2024, 1, 1, tzinfo=UTC)).is_empty()
