"""Rows past their time: whole files go, the file at the edge is rewritten, the past stays readable."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from lake import Lake, open_lake
from lake.records import open_records
from lake.retention import expiries, retain
from lake.vacuum import vacuum
from qbrain_core.errors import InvalidInputError, JobLostError, UnknownNameError
from qbrain_core.settings import Settings

TODAY = date(2025, 1, 10)
DAYS = pl.date_range(date(2022, 6, 1), date(2024, 12, 31), "7d", eager=True).to_list()


def bars(names: list[str], sessions: list[date]) -> pl.DataFrame:
    return (
        pl.DataFrame({"instrument": names})
        .join(pl.DataFrame({"session": sessions}), how="cross")
        .with_columns(close=1.5, factor=1.0, halted=False, price_basis=pl.lit("raw"))
    )


def minutes(frequency: str, sessions: list[date]) -> pl.DataFrame:
    at = [datetime(day.year, day.month, day.day, 15, minute, tzinfo=UTC) for day in sessions for minute in (0, 1)]
    return pl.DataFrame({"ts": at, "session": [ts.date() for ts in at]}).with_columns(
        frequency=pl.lit(frequency), instrument=pl.lit("A.US"), open=1.0, high=1.0, low=1.0, close=1.0,
        price_basis=pl.lit("raw"),
    )  # fmt: skip


def write(lake: Lake, job: str, table: str, frame: pl.DataFrame) -> None:
    with lake.commit(job, 1) as tx:
        tx.upsert(table, frame)


def sessions(lake: Lake, as_of: object = None) -> list[date]:
    return lake.bars(columns=[], as_of=as_of)["session"].unique().sort().to_list()  # type: ignore[arg-type]


def files(lake: Lake, table: str = "bars") -> set[str]:
    return {file.path for file in lake.snapshot(table).files}


def test_old_rows_go_and_only_the_file_at_the_edge_is_rewritten(anywhere: Settings) -> None:
    lake = open_lake(anywhere)
    write(lake, "a", "bars", bars(["A.US", "B.US"], DAYS))
    before = files(lake)
    days = (TODAY - date(2023, 7, 1)).days
    (done,) = retain(lake, {"bars": days}, today=TODAY)
    stays = [day for day in DAYS if day >= date(2023, 7, 1)]
    assert (done.table, done.rows, done.files, done.version) == ("bars", 2 * (len(DAYS) - len(stays)), 2, 2)
    again = open_lake(anywhere)
    for reader in (lake, again):
        assert sessions(reader) == stays
        assert sessions(reader, {"bars": 1}) == DAYS, "the version before keeps them"
    assert reader.sql("select count(*) from bars where year = 2023").item() == 2 * sum(d.year == 2023 for d in stays)
    kept = before & files(again)
    assert {path.split("/")[1] for path in kept} == {"year=2024"}
    assert {path.split("/")[1] for path in files(again) - before} == {"year=2023"}
    assert retain(again, {"bars": days}, today=TODAY) == []


def test_limit_of_a_frequency_goes_before_that_of_the_table(anywhere: Settings) -> None:
    lake = open_lake(anywhere)
    old, new = date(2024, 1, 2), date(2025, 1, 8)
    write(lake, "a", "bars_intraday", pl.concat([minutes(f, [old, new]) for f in ("1m", "5m", "1h")]))
    (done,) = retain(lake, {"bars_intraday": 100, "bars_intraday/1m": 1, "bars_intraday/5m": 4000}, today=TODAY)
    assert done.rows == 4 + 2
    rows = lake.scan("bars_intraday").select("frequency", "session").unique().sort("frequency", "session").collect()
    assert rows.rows() == [("1h", new), ("5m", old), ("5m", new)]


def test_limit_of_a_frequency_alone_leaves_the_others(lake: Lake) -> None:
    write(lake, "a", "bars_intraday", pl.concat([minutes(f, [date(2020, 1, 2)]) for f in ("1m", "1h")]))
    retain(lake, {"bars_intraday/1m": 400}, today=TODAY)
    assert lake.scan("bars_intraday").select("frequency").unique().collect()["frequency"].to_list() == ["1h"]


def test_day_at_the_edge_stays_whole(lake: Lake) -> None:
    day = date(2025, 1, 5)
    write(lake, "a", "bars_intraday", minutes("1m", [day - timedelta(days=1), day]))
    retain(lake, {"bars_intraday": 5}, today=TODAY)
    assert lake.scan("bars_intraday").collect()["session"].to_list() == [day, day]


def test_day_of_the_limit_itself_stays(lake: Lake) -> None:
    rates = pl.DataFrame({"session": [date(2025, 1, 4), date(2025, 1, 5)], "rate": [1.0, 1.1]})
    write(lake, "fx", "fx_rates", rates.with_columns(base=pl.lit("EUR"), quote=pl.lit("USD")))
    retain(lake, {"fx_rates": 5}, today=TODAY)
    assert lake.scan("fx_rates").collect()["session"].to_list() == [date(2025, 1, 5)]


def test_age_that_the_log_has_no_bounds_of_is_read(lake: Lake) -> None:
    at = [datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 9, tzinfo=UTC)]
    rows = pl.DataFrame({"job_id": ["a", "b"], "row": [1, 1], "created_at": at}).with_columns(
        check=pl.lit("c"), table=pl.lit("bars"), source=pl.lit("f.csv"), content=pl.lit("{}")
    )
    write(lake, "q", "quarantine", rows)
    (done,) = retain(lake, {"quarantine": 30}, today=TODAY)
    assert (done.rows, done.files) == (1, 1)
    assert lake.scan("quarantine").collect()["job_id"].to_list() == ["b"]


def test_declared_retention_counts_where_nothing_else_is_said(lake: Lake) -> None:
    at = [datetime(2023, 1, 1, tzinfo=UTC), datetime(2025, 1, 9, tzinfo=UTC)]
    events = pl.DataFrame({"job_id": ["a", "b"], "seq": [1, 2], "ts": at, "month": ["2025-01", "2025-01"]})
    write(lake, "e", "job_events", events.with_columns(attempt=1, type=pl.lit("log"), payload=pl.lit("{}")))
    assert set(expiries(lake, today=TODAY)) == {"job_events"}
    assert retain(lake, tables=["bars"], today=TODAY) == []
    assert [done.rows for done in retain(lake, today=TODAY)] == [1]
    write(lake, "f", "job_events", events.with_columns(attempt=1, type=pl.lit("log"), payload=pl.lit("{}")))
    assert retain(lake, {"job_events": 4000}, today=TODAY) == []


def test_dry_run_tells_and_does_nothing(lake: Lake) -> None:
    write(lake, "a", "bars", bars(["A.US"], DAYS))
    before = files(lake)
    (planned,) = retain(lake, {"bars": 400}, today=TODAY, dry_run=True)
    assert (files(lake), lake.versions()["bars"]) == (before, 1)
    (done,) = retain(lake, {"bars": 400}, today=TODAY)
    assert (done.rows, done.files) == (planned.rows, planned.files)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"instruments": 30}, "rows of this table have no age"),
        ({"bars": 0}, "kept for a day at least"),
        ({"fx_rates/USD": 30}, "no partitions"),
        ({"universes/x": 30}, "have no age|no partitions"),
        ({"predictions/x/y": 30}, "no such name"),
        ({"bards": 30}, "did you mean 'bars'"),
    ],
)
def test_limit_that_means_nothing_is_refused(lake: Lake, limits: dict[str, int], message: str) -> None:
    with pytest.raises((InvalidInputError, UnknownNameError), match=message):
        retain(lake, limits, today=TODAY)


@pytest.mark.parametrize("session", [date(2025, 1, 9), date(2022, 6, 2)], ids=["new", "old"])
def test_rival_that_writes_meanwhile_loses_nothing(lake: Lake, settings: Settings, session: date) -> None:
    write(lake, "a", "bars", bars(["A.US"], DAYS))
    rival, raced = open_lake(settings), []

    def fence() -> None:
        if not raced:
            raced.append(write(rival, "rival", "bars", bars(["R.US"], [session])))

    retain(lake, {"bars": 400}, today=TODAY, fence=fence)
    kept = lake.bars(instruments=["R.US"], columns=[])["session"].to_list()
    assert kept == ([session] if session.year == 2025 else []), "what came meanwhile is judged by the same rule"
    assert min(sessions(lake)) >= TODAY - timedelta(days=400)


@pytest.mark.parametrize("anywhere", ["folder", pytest.param("bucket", marks=pytest.mark.soak)], indirect=True)
def test_lost_job_changes_nothing_and_leaves_no_file(anywhere: Settings) -> None:
    lake = open_lake(anywhere)
    write(lake, "a", "bars", bars(["A.US"], DAYS))
    stored = set(lake.catalog.storage.stored_files("bars"))

    def fence() -> None:
        raise JobLostError("another attempt owns the job")

    with pytest.raises(JobLostError):
        retain(lake, {"bars": 400}, today=TODAY, job_id="job", fence=fence)
    assert lake.versions()["bars"] == 1
    assert set(lake.catalog.storage.stored_files("bars")) == stored


def test_next_attempt_at_a_job_goes_on_where_the_last_stopped(lake: Lake, settings: Settings) -> None:
    write(lake, "a", "bars", bars(["A.US"], DAYS))
    write(lake, "b", "bars_intraday", minutes("1m", [date(2020, 1, 2)]))
    limits, calls = {"bars": 400, "bars_intraday": 400}, []

    def fence() -> None:
        calls.append(None)
        if len(calls) == 2:
            raise JobLostError("lost")

    with pytest.raises(JobLostError):
        retain(lake, limits, today=TODAY, job_id="job", fence=fence)
    done = retain(open_lake(settings), limits, today=TODAY, job_id="job", attempt=2)
    assert [part.table for part in done] == ["bars_intraday"]
    assert (lake.versions()["bars"], lake.versions()["bars_intraday"]) == (2, 2)


@pytest.mark.parametrize("anywhere", ["folder", pytest.param("bucket", marks=pytest.mark.soak)], indirect=True)
def test_pinned_version_outlives_retention_and_vacuum(anywhere: Settings) -> None:
    lake = open_lake(anywhere)
    write(lake, "a", "bars", bars(["A.US"], DAYS))
    write(lake, "b", "bars", bars(["B.US"], DAYS[:3]))
    open_records(anywhere).set_pin("release", {"bars": 1}, owner="local")
    retain(lake, {"bars": 400}, today=TODAY)
    later: Callable[[], datetime] = lambda: datetime.now(UTC) + timedelta(days=60)  # noqa: E731
    assert len(vacuum(lake, ["bars"], now=later())) == 1, "version 2 alone needed B's file"
    assert sessions(open_lake(anywhere), "release") == DAYS
    open_records(anywhere).remove_pin("release")
    vacuum(lake, ["bars"], now=later())
    with pytest.raises(InvalidInputError, match="cleaned up"):
        sessions(open_lake(anywhere), {"bars": 1})


def test_expiry_beside_another_write_to_the_table_is_refused(lake: Lake) -> None:
    expiry = expiries(lake, {"bars": 30}, today=TODAY)["bars"]
    with pytest.raises(InvalidInputError, match="only write"), lake.commit("x", 1) as tx:  # noqa: PT012
        tx.upsert("bars", bars(["A.US"], DAYS))
        tx.expire("bars", expiry)
