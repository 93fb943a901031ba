"""Longer bars that are kept: equal to a full run whatever came before, and never over what a source delivered."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from jobs.context import TaskContext
from jobs.identity import Ancestor, writes
from jobs.tasks import downsample
from jobs.tasks.downsample import run
from jobs.validate import check_spec
from lake import Lake
from lake.compaction import compact
from lake.retention import retain
from qbrain_core.errors import CommitConflictError, InsufficientDataError, InvalidInputError, JobCancelledError
from qbrain_core.markets import MARKETS
from qbrain_core.reporting import NULL_REPORTER, NullReporter, Reporter
from qbrain_core.resample import resample
from qbrain_core.sessions import trading_hours
from qbrain_core.specs import DownsampleSpec, dump_spec, parse_spec

FIRST, LAST = date(2024, 2, 28), date(2024, 3, 4)
SESSIONS = [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 4)]
NAMES = ("AAA.US", "BBB.US")


def minutes(
    name: str, start: date = FIRST, end: date = LAST, *, market: str = "US", base: float = 10.0
) -> pl.DataFrame:
    hours = trading_hours(MARKETS[market], start, end)
    frames = [
        pl.DataFrame({"ts": pl.datetime_range(opens, closes, "1m", closed="right", eager=True)}).with_columns(
            session=pl.lit(session)
        )
        for session, opens, _, _, closes in hours.iter_rows()
    ]
    rows = pl.concat(frames).with_row_index("n").with_columns(close=base + (pl.col("n") % 97) / 100)
    return rows.select(
        "ts", "session", "close", instrument=pl.lit(name), frequency=pl.lit("1m"), open="close",
        high=pl.col("close") + 0.05, low=pl.col("close") - 0.05, volume=(pl.col("n") % 7) * 100.0,
        price_basis=pl.lit("raw"),
    )  # fmt: skip


def write(lake: Lake, job: str, frame: pl.DataFrame, table: str = "bars_intraday") -> None:
    with lake.commit(job, 1) as transaction:
        transaction.upsert(table, frame)


def go(lake: Lake, job: str, reporter: Reporter = NULL_REPORTER, attempt: int = 1, **fields: Any) -> dict[str, Any]:
    spec = DownsampleSpec(**({"market": "US", "to_frequencies": ("15m", "1h")} | fields))
    context = TaskContext(
        lake.settings, lake, reporter, job, attempt, lake.data_versions(), {}, "code", lambda: None
    )  # fmt: skip
    return run(spec, context)


def made(lake: Lake, frequency: str, **where: Any) -> pl.DataFrame:
    rows = lake.scan_intraday(frequency, **where).filter(pl.col("made_from").is_not_null()).collect()
    return rows.sort("instrument", "ts")


def full(source: pl.DataFrame, frequency: str, market: str = "US") -> pl.DataFrame:
    span = source["session"].min(), source["session"].max()
    hours = trading_hours(MARKETS[market], *span)  # type: ignore[arg-type]
    return resample(source.sort("instrument", "ts"), frequency, hours)


def same(ours: pl.DataFrame, theirs: pl.DataFrame) -> bool:
    columns = ["instrument", "session", "ts", "open", "high", "low", "close", "volume", "amount"]
    return ours.select(columns).equals(theirs.select(columns))


@pytest.fixture
def source() -> pl.DataFrame:
    return pl.concat([minutes(NAMES[0]), minutes(NAMES[1], base=30)])


@pytest.fixture
def stocked(lake: Lake, source: pl.DataFrame) -> Lake:
    write(lake, "seed", source)
    return lake


def test_every_frequency_is_made_and_says_of_what(stocked: Lake, source: pl.DataFrame) -> None:
    result = go(stocked, "first")
    assert result["months"] == 2
    assert result["rows_in"] == source.height
    for frequency in ("15m", "1h"):
        rows = made(stocked, frequency)
        assert same(rows, full(source, frequency))
        assert rows["made_from"].unique().to_list() == ["1m"]
        assert rows["price_basis"].unique().to_list() == ["raw"]
        assert stocked.intraday(frequency, market="US").drop("vwap").equals(rows)
    assert result["rows_made"] == result["rows_changed"] == made(stocked, "15m").height + made(stocked, "1h").height


def test_done_again_it_changes_nothing(stocked: Lake) -> None:
    go(stocked, "first")
    versions = stocked.versions()
    again = go(stocked, "second")
    assert (again["months"], again["rows_in"]) == (0, 0)
    limited = go(stocked, "third", start=FIRST)  # looks at everything, because it was asked for a range
    assert limited["months"] == 2
    assert limited["rows_changed"] == limited["rows_deleted"] == 0
    assert stocked.versions() == versions


def test_only_new_sessions_are_looked_at(lake: Lake, source: pl.DataFrame) -> None:
    write(lake, "seed", source.filter(pl.col("session") < LAST))
    go(lake, "first")
    write(lake, "day", source.filter(pl.col("session") == LAST))
    result = go(lake, "second")
    assert result["rows_in"] < source.height
    assert result["months"] == 1
    assert all(same(made(lake, f), full(source, f)) for f in ("15m", "1h"))


def test_a_correction_reaches_its_bucket(stocked: Lake, source: pl.DataFrame) -> None:
    go(stocked, "first")
    wrong = (pl.col("ts") == datetime(2024, 2, 29, 15, 7, tzinfo=UTC)) & (pl.col("instrument") == "BBB.US")
    corrected = source.with_columns(high=pl.when(wrong).then(99.0).otherwise("high"))
    write(stocked, "correction", corrected.filter(wrong))
    result = go(stocked, "second")
    assert result["rows_changed"] == 2
    assert all(same(made(stocked, f), full(corrected, f)) for f in ("15m", "1h"))


def test_compaction_asks_for_no_new_bars(lake: Lake, source: pl.DataFrame) -> None:
    for session in SESSIONS:
        write(lake, f"day-{session}", source.filter(pl.col("session") == session))
    go(lake, "first")
    assert compact(lake, ["bars_intraday"], min_files=2)
    assert go(lake, "second")["months"] == 0


def test_minutes_that_have_gone_take_their_buckets_with_them(stocked: Lake, source: pl.DataFrame) -> None:
    go(stocked, "first")
    hour = datetime(2024, 3, 1, 15, 30, tzinfo=UTC)
    kept = source.filter(~pl.col("ts").is_between(hour, hour + timedelta(hours=1), closed="right"))
    with stocked.commit("repair", 1) as transaction:
        for name in NAMES:
            rows = kept.filter((pl.col("instrument") == name) & (pl.col("session") == date(2024, 3, 1)))
            where = {"frequency": "1m", "instrument": name, "session": date(2024, 3, 1)}
            transaction.replace("bars_intraday", rows, where=where)
    result = go(stocked, "second")
    assert result["rows_deleted"] == 2 * (4 + 1)
    assert all(same(made(stocked, f), full(kept, f)) for f in ("15m", "1h"))


def test_minutes_may_expire_and_what_was_made_of_them_stays(stocked: Lake, source: pl.DataFrame) -> None:
    go(stocked, "first")
    before = made(stocked, "1h")
    assert retain(stocked, {"bars_intraday/1m": 1}, today=date(2024, 3, 2))
    assert stocked.scan_intraday("1m").collect()["session"].min() == date(2024, 3, 1)
    assert go(stocked, "second")["months"] == 0
    go(stocked, "third", start=FIRST)  # nor does a run over everything take them away
    assert made(stocked, "1h").equals(before)


def test_a_session_whose_first_minutes_have_expired_is_left_alone(lake: Lake) -> None:
    days = (date(2024, 1, 30), date(2024, 2, 2))
    write(lake, "seed", minutes("BTC.CRYPTO", *days, market="CRYPTO"))
    go(lake, "first", market="CRYPTO")
    before = made(lake, "1h")
    # of 2024-01-31 the last minute stays: it closes at midnight, which is the next day
    assert retain(lake, {"bars_intraday/1m": 1}, today=date(2024, 2, 2))
    go(lake, "second", market="CRYPTO", end=days[1])
    assert made(lake, "1h").equals(before)


def test_what_a_source_delivered_is_never_replaced(stocked: Lake, source: pl.DataFrame) -> None:
    day = date(2024, 3, 1)
    own = full(source, "1h").filter((pl.col("session") == day) & (pl.col("instrument") == "AAA.US"))
    delivered = own.head(3).drop("vwap", "n_bars").with_columns(
        frequency=pl.lit("1h"), price_basis=pl.lit("raw"), close=pl.lit(11.0)
    )  # fmt: skip
    write(stocked, "hours", delivered)
    go(stocked, "first")
    rows = stocked.scan_intraday("1h", instruments=["AAA.US"], start=day, end=day).collect()
    assert rows.height == 3
    assert rows["made_from"].null_count() == 3
    assert rows["close"].unique().to_list() == [11.0]
    assert made(stocked, "15m").height == full(source, "15m").height


def test_a_source_that_delivers_later_takes_the_session_over(stocked: Lake, source: pl.DataFrame) -> None:
    go(stocked, "first")
    day = date(2024, 3, 1)
    own = full(source, "1h").filter((pl.col("session") == day) & (pl.col("instrument") == "AAA.US"))
    write(stocked, "hours", own.head(3).drop("vwap", "n_bars").with_columns(
        frequency=pl.lit("1h"), price_basis=pl.lit("raw")
    ))  # fmt: skip
    result = go(stocked, "second")
    assert result["rows_deleted"] == own.height - 3
    assert stocked.scan_intraday("1h", instruments=["AAA.US"], start=day, end=day).collect().height == 3


def test_bars_made_of_finer_ones_win(stocked: Lake, source: pl.DataFrame) -> None:
    go(stocked, "fine", to_frequencies=("5m", "1h"))
    result = go(stocked, "coarse", from_frequency="5m", to_frequencies=("15m", "1h"))
    assert made(stocked, "1h")["made_from"].unique().to_list() == ["1m"]
    assert made(stocked, "15m")["made_from"].unique().to_list() == ["5m"]
    assert same(made(stocked, "15m"), full(source, "15m"))
    assert result["rows_made"] == made(stocked, "15m").height


def test_days_are_made_only_where_no_source_has_them(stocked: Lake, source: pl.DataFrame) -> None:
    row = {"instrument": "AAA.US", "close": 5.0, "halted": False, "price_basis": "raw"}
    of_source = pl.DataFrame(
        [row | {"session": SESSIONS[0], "factor": 1.0}, row | {"session": SESSIONS[2], "factor": 2.0}]
    )  # fmt: skip
    write(stocked, "days", of_source, "bars")
    assert "1d" not in DownsampleSpec(market="US").to_frequencies
    go(stocked, "first", to_frequencies=("1d",))
    rows = stocked.bars(market="US")
    mine = rows.filter(pl.col("made_from") == "1m")
    assert rows.height == 8
    assert mine.height == 6
    assert rows.filter(pl.col("made_from").is_null())["close"].to_list() == [5.0, 5.0]
    expected = full(source, "1d").join(mine, on=["instrument", "session"], how="semi")
    columns = ["instrument", "session", "open", "high", "low", "close", "volume"]
    assert mine.select(columns).equals(expected.select(columns))
    # the factor is that of the source's bar before
    assert rows.filter(pl.col("instrument") == "AAA.US")["factor"].to_list() == [1.0, 1.0, 2.0, 2.0]
    assert rows.filter(pl.col("instrument") == "BBB.US")["factor"].to_list() == [1.0] * 4
    write(stocked, "late", of_source.with_columns(session=pl.lit(SESSIONS[1])).head(1), "bars")
    go(stocked, "second", to_frequencies=("1d",), start=FIRST)
    after = stocked.bars(instruments=["AAA.US"])
    assert after["made_from"].to_list() == [None, None, None, "1m"]


def test_overrides_of_the_calendar_make_everything_anew(stocked: Lake, source: pl.DataFrame) -> None:
    go(stocked, "first")
    override = {"market": "US", "session": date(2024, 3, 1), "is_open": True, "opens": "10:00"}
    write(stocked, "override", pl.DataFrame([override]), "calendar_overrides")
    result = go(stocked, "second")
    assert result["months"] == 2
    rows = made(stocked, "1h", start=date(2024, 3, 1), end=date(2024, 3, 1), instruments=["AAA.US"])
    assert rows["ts"].dt.convert_time_zone("America/New_York").dt.hour().to_list() == [11, 12, 13, 14, 15, 16]
    assert rows["ts"].dt.minute().unique().to_list() == [0]


def test_a_range_or_names_limit_what_is_made(stocked: Lake, source: pl.DataFrame) -> None:
    go(stocked, "first", instruments=("BBB.US",), start=date(2024, 2, 29), end=date(2024, 3, 1))
    wanted = (pl.col("instrument") == "BBB.US") & pl.col("session").is_between(date(2024, 2, 29), date(2024, 3, 1))
    assert same(made(stocked, "15m"), full(source, "15m").filter(wanted))
    go(stocked, "rest")  # the mark of a whole market was not set by it
    assert same(made(stocked, "15m"), full(source, "15m"))


def test_blocks_of_instruments_bound_memory_and_change_nothing(
    lake: Lake, source: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downsample, "BLOCK_ROWS", 500)
    third = minutes("CCC.US", base=50)
    write(lake, "seed", pl.concat([source, third]))
    go(lake, "first")
    assert same(made(lake, "15m"), full(pl.concat([source, third]), "15m"))


def test_a_retry_goes_on_where_the_attempt_before_ended(stocked: Lake, source: pl.DataFrame) -> None:
    class Cancelling(NullReporter):
        def stage(self, name: str, *, fraction: float | None = None, detail: str = "") -> None:
            if fraction and fraction >= 0.5:  # the months before and after the data count too
                raise JobCancelledError("asked for")

    with pytest.raises(JobCancelledError):
        go(stocked, "job", Cancelling())
    assert made(stocked, "1h")["session"].dt.month().unique().to_list() == [2]
    result = go(stocked, "job", attempt=2)
    assert made(stocked, "1h")["session"].dt.month().unique().sort().to_list() == [2, 3]
    assert same(made(stocked, "15m"), full(source, "15m"))
    assert (
        result["rows_changed"]
        == full(source.filter(pl.col("session").dt.month() == 3), "15m").height
        + full(source.filter(pl.col("session").dt.month() == 3), "1h").height
    )


class Meddling(NullReporter):
    """Writes to the lake while bars are being combined."""

    def __init__(self, lake: Lake, frames: Iterator[pl.DataFrame]) -> None:
        self._lake, self._frames, self._n = lake, frames, 0

    def check(self) -> None:
        frame = next(self._frames, None)
        if frame is not None:
            self._n += 1
            write(self._lake, f"meddling-{self._n}", frame)


def test_bars_that_change_while_they_are_combined_are_looked_at_again(stocked: Lake, source: pl.DataFrame) -> None:
    wrong = (pl.col("ts") == datetime(2024, 2, 29, 15, 7, tzinfo=UTC)) & (pl.col("instrument") == "BBB.US")
    corrected = source.with_columns(high=pl.when(wrong).then(99.0).otherwise("high"))
    # asked whether to stop before January's end, before February, and before its only block
    go(stocked, "first", Meddling(stocked, iter([source.head(1), source.head(1), corrected.filter(wrong)])))
    assert all(same(made(stocked, f), full(corrected, f)) for f in ("15m", "1h"))


def test_what_a_source_delivers_while_bars_are_combined_is_not_replaced(stocked: Lake, source: pl.DataFrame) -> None:
    own = full(source, "1h").filter((pl.col("session") == SESSIONS[1]) & (pl.col("instrument") == "AAA.US"))
    delivered = own.drop("vwap", "n_bars").with_columns(
        frequency=pl.lit("1h"), price_basis=pl.lit("raw"), close=pl.lit(11.0)
    )  # fmt: skip
    go(stocked, "first", Meddling(stocked, iter([source.head(1), source.head(1), delivered])))
    rows = stocked.scan_intraday("1h", instruments=["AAA.US"], start=SESSIONS[1], end=SESSIONS[1]).collect()
    assert rows["made_from"].null_count() == rows.height == delivered.height


def test_bars_that_never_stand_still_end_the_job(stocked: Lake, source: pl.DataFrame) -> None:
    restless = (source.head(1).with_columns(high=pl.lit(20.0 + n)) for n in range(99))
    with pytest.raises(CommitConflictError, match="others changed its bars"):
        go(stocked, "first", Meddling(stocked, restless))


def test_a_market_without_such_bars_is_refused(stocked: Lake) -> None:
    with pytest.raises(InsufficientDataError, match="market CN has no bars of 1m"):
        go(stocked, "job", market="CN")


def test_the_spec_refuses_what_cannot_be_made() -> None:
    for fields in (
        {"from_frequency": "15m", "to_frequencies": ["5m"]}, {"to_frequencies": []},
        {"to_frequencies": ["1h", "1h"]}, {"start": "2024-02-01", "end": "2024-01-01"}, {"market": "XX"},
    ):  # fmt: skip
        with pytest.raises(InvalidInputError):
            parse_spec({"kind": "downsample", "market": "US"} | fields)
    spec = parse_spec({"kind": "downsample", "market": "US", "to_frequencies": ["1h", "1d"]})
    assert parse_spec(dump_spec(spec)) == spec
    assert writes(spec, "bars")
    assert writes(spec, "bars_intraday")
    assert not writes(DownsampleSpec(market="US"), "bars")


def test_a_frequency_that_is_not_there_is_refused_before_it_is_queued(stocked: Lake) -> None:
    check_spec(DownsampleSpec(market="US"), [], lake=stocked)
    with pytest.raises(InvalidInputError, match="US of 1m only"):
        check_spec(DownsampleSpec(market="US", from_frequency="5m", to_frequencies=("1h",)), [], lake=stocked)
    earlier = Ancestor("job", DownsampleSpec(market="US", to_frequencies=("5m",)))
    check_spec(DownsampleSpec(market="US", from_frequency="5m", to_frequencies=("1h",)), [earlier], lake=stocked)


def test_what_a_rollback_took_away_is_made_again(stocked: Lake, source: pl.DataFrame) -> None:
    before = stocked.versions()["bars_intraday"]
    go(stocked, "first")
    stocked.rollback("bars_intraday", before, "undo")
    assert made(stocked, "1h").is_empty()
    go(stocked, "second")
    assert all(same(made(stocked, f), full(source, f)) for f in ("15m", "1h"))
