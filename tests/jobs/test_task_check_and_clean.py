"""The jobs that judge the lake and repair it, over a small market with known dirt."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import jobs
from lake import Lake
from lake.records import open_records
from lake.records.models import AuditRow
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.markets import MARKETS
from qbrain_core.sessions import trading_sessions
from qbrain_core.settings import Settings
from qbrain_core.specs import CleanSpec, parse_spec

SESSIONS = trading_sessions(MARKETS["US"], date(2024, 1, 2), date(2024, 3, 28)).head(40)
SPLIT = SESSIONS[20]
Run = Callable[..., dict[str, Any]]


def prices(symbol: str, level: float) -> pl.DataFrame:
    close = [round(level * (1 + 0.01 * ((3 * i) % 7)) + 0.01 * i, 2) for i in range(len(SESSIONS))]
    frame = pl.DataFrame({"symbol": symbol, "date": SESSIONS, "close": close})
    return frame.with_columns(
        open=pl.col("close") - 0.1,
        high=pl.col("close") + 1,
        low=pl.col("close") - 1,
        volume=pl.lit(1000) + pl.int_range(pl.len()),
    )


@pytest.fixture
def run(settings: Settings) -> Run:
    def perform(**document: Any) -> dict[str, Any]:
        job = jobs.run(parse_spec({"market": "US", **document}), settings=settings, force=True)
        if job.status != "succeeded":
            raise InvalidInputError("job", job.id, str(job.error))
        return {"job_id": job.id, **(job.result or {})}

    return perform


@pytest.fixture
def dirty(tmp_path: Path, run: Run) -> dict[str, Any]:
    """Ingest A, which splits unbooked, and B, with one session idle and a last bar that is not finished."""
    here = pl.col("date") >= SPLIT
    a = prices("A", 100.0).with_columns(
        pl.when(here).then(pl.col(c) / 2).otherwise(c).alias(c) for c in ("open", "high", "low", "close")
    )
    b = prices("B", 50.0).with_columns(
        volume=pl.when(pl.col("date") == SESSIONS[5]).then(0).otherwise("volume"),
        high=pl.when(pl.col("date") == SESSIONS[-1]).then(pl.col("close") - 0.5).otherwise("high"),
    )
    path = tmp_path / "prices.parquet"
    pl.concat([a, b]).write_parquet(path)
    result = run(kind="ingest", path=str(path))
    assert result["rows_quarantined"] == 1
    return result


def findings(result: dict[str, Any]) -> dict[str, int]:
    return {f["check"]: f["rows"] for f in result["findings"]}


def test_check_finds_what_is_stored_and_keeps_it(dirty: dict[str, Any], run: Run, lake: Lake) -> None:
    result = run(kind="check")
    found = findings(result)
    assert {"unadjusted_split": 1, "zero_volume": 1}.items() <= found.items()
    assert "not_fresh" in found
    assert (result["errors"], result["warnings"]) == (0, len(found))
    assert result["tables"]["bars"]["rows"] == 79
    assert "reverse_split" not in result["tables"]["bars"]["checks"]
    kept = lake.sql('SELECT * FROM findings WHERE job_id = ? ORDER BY "check"', [result["job_id"]])
    assert kept["check"].to_list() == sorted(found)
    assert kept["source"].unique().to_list() == ["lake"]
    assert kept["data_version"].to_list() == [lake.catalog.latest("bars")] * kept.height
    assert kept.filter(pl.col("check") == "unadjusted_split")["session_from"].to_list() == [SPLIT]
    json.dumps(result)


def test_check_runs_what_it_is_asked_for(dirty: dict[str, Any], run: Run) -> None:
    assert findings(run(kind="check", checks=["zero_volume"])) == {"zero_volume": 1}
    assert findings(run(kind="check", tables=["universes"])) == {}
    assert "late_start" not in findings(run(kind="check", notes=True))
    with pytest.raises(UnknownNameError, match="zero_volume"):
        run(kind="check", checks=["zero_volum"])
    with pytest.raises(UnknownNameError, match="tables"):
        run(kind="check", tables=["predictions"])


def test_a_check_is_the_same_job_only_while_nothing_changed(
    dirty: dict[str, Any], settings: Settings, run: Run
) -> None:
    spec = parse_spec({"kind": "check", "market": "US"})
    first = jobs.run(spec, settings=settings)
    assert jobs.run(spec, settings=settings).id == first.id
    run(kind="clean", repair="mark_halted", preview=False, reason="idle")
    assert jobs.run(spec, settings=settings).id != first.id


def test_pieces_find_what_the_whole_finds(dirty: dict[str, Any], run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = findings(run(kind="check", notes=True))
    monkeypatch.setattr("lake.quality.standing._PIECE_ROWS", 45)
    assert findings(run(kind="check", notes=True)) == whole


def test_a_preview_writes_nothing(dirty: dict[str, Any], run: Run, lake: Lake) -> None:
    before = lake.versions()
    result = run(kind="clean", repair="mark_halted")
    assert (result["applied"], result["rows_changed"], result["rows_removed"]) == (False, 1, 0)
    key = {"instrument": "B.US", "session": str(SESSIONS[5])}
    assert result["examples"] == [{"before": key | {"halted": False}, "after": key | {"halted": True}}]
    assert lake.versions() == before


def test_a_repair_is_a_version_with_a_reason_and_can_be_taken_back(
    dirty: dict[str, Any], run: Run, lake: Lake, settings: Settings
) -> None:
    old = lake.bars()
    with pytest.raises(InvalidInputError, match="reason"):
        run(kind="clean", repair="mark_halted", preview=False)
    result = run(kind="clean", repair="mark_halted", preview=False, reason="no trade that day", owner="anna")
    assert result["applied"]
    assert lake.bars().filter("halted").select("instrument", "session").rows() == [("B.US", SESSIONS[5])]
    assert "zero_volume" not in findings(run(kind="check"))
    note = lake.sql("SELECT * FROM findings WHERE severity = 'repair'").row(0, named=True)
    assert (note["check"], note["source"], note["rows"]) == ("mark_halted", "no trade that day", 1)
    with open_records(settings).read() as session:
        told = [row for row in session.query(AuditRow) if row.action == "clean"]
    assert [(row.user, row.object, row.detail["reason"]) for row in told] == [("anna", "bars", "no trade that day")]
    assert lake.bars(as_of={"bars": result["version_before"]}).equals(old)
    lake.rollback("bars", result["version_before"], "back")
    assert lake.bars().equals(old)


def test_an_unbooked_split_is_booked(dirty: dict[str, Any], run: Run, lake: Lake) -> None:
    order = {"kind": "clean", "repair": "book_split", "instruments": ["A.US"], "start": str(SPLIT)}
    with pytest.raises(InvalidInputError, match="ratio"):
        run(**order)
    result = run(**order, ratio=2, preview=False, reason="2:1, announced in January")
    assert (result["rows_changed"], result["beside"]) == (20, {"corporate_actions": {"changed": 1, "removed": 0}})
    bars = lake.bars(instruments=["A.US"])
    assert bars.filter(pl.col("session") < SPLIT)["factor"].unique().to_list() == [1.0]
    assert bars.filter(pl.col("session") >= SPLIT)["factor"].unique().to_list() == [2.0]
    assert lake.sql("SELECT instrument, action, value FROM corporate_actions").rows() == [("A.US", "split", 2.0)]
    assert "unadjusted_split" not in findings(run(kind="check"))
    with pytest.raises(InvalidInputError, match="booked on that day already"):
        run(**order, ratio=2)
    undone = run(
        kind="clean", repair="remove_booking", instruments=["A.US"], start=str(SPLIT), preview=False, reason="wrong"
    )
    assert undone["rows_changed"] == 20
    assert lake.bars()["factor"].unique().to_list() == [1.0]
    assert lake.sql("SELECT count(*) FROM corporate_actions").item() == 0


def test_refused_rows_are_let_in_again(dirty: dict[str, Any], run: Run, lake: Lake) -> None:
    order = {"kind": "clean", "repair": "accept", "from_job": dirty["job_id"]}
    shown = run(**order)
    assert (shown["rows_changed"], shown["applied"]) == (1, False)
    assert shown["examples"][0]["before"] is None
    run(**order, preview=False, reason="the close is right")
    last = lake.bars(instruments=["B.US"]).row(-1, named=True)
    assert last["session"] == SESSIONS[-1]
    assert last["high"] == max(last["open"], last["close"])
    assert lake.sql("SELECT count(*) FROM quarantine").item() == 0
    with pytest.raises(InvalidInputError, match="accepted already"):
        run(**order)
    with pytest.raises(InvalidInputError, match="from_job"):
        run(kind="clean", repair="accept")


def test_rows_and_bad_last_bars_are_taken_away(dirty: dict[str, Any], run: Run, lake: Lake) -> None:
    order = {"kind": "clean", "repair": "drop_row", "instruments": ["B.US"]}
    with pytest.raises(InvalidInputError, match="first day"):
        run(**order)
    gone = run(**order, start=str(SESSIONS[5]), end=str(SESSIONS[5]), preview=False, reason="idle")
    assert (gone["rows_removed"], lake.bars(instruments=["B.US"]).height) == (1, 38)
    idle = lake.bars(instruments=["A.US"]).tail(1).with_columns(volume=0.0)
    with lake.commit("idle", 1) as transaction:
        transaction.upsert("bars", idle)
    assert run(kind="clean", repair="drop_bad_last_bar", preview=False, reason="half a day")["rows_removed"] == 1
    assert lake.bars()["session"].max() == SESSIONS[-2]


def test_broken_rows_of_an_older_lake_are_widened(dirty: dict[str, Any], run: Run, lake: Lake) -> None:
    broken = lake.bars(instruments=["B.US"]).head(1).with_columns(high=pl.col("low") - 1)
    with lake.commit("old", 1) as transaction:
        transaction.upsert("bars", broken)
    assert run(kind="check", checks=["ohlc_order"])["errors"] == 1
    assert run(kind="clean", repair="fix_ohlc", preview=False, reason="old")["rows_changed"] == 1
    assert run(kind="check", checks=["ohlc_order"])["errors"] == 0


def test_a_copied_session_is_taken_away(run: Run, lake: Lake) -> None:
    names = pl.DataFrame(
        {"instrument": [f"N{i:02}.US" for i in range(30)], "level": [float(50 + i) for i in range(30)]}
    )
    days = pl.DataFrame({"session": SESSIONS.head(6), "step": [0.0, 1.0, 2.0, 2.0, 3.0, 4.0]})
    close = pl.col("level") + pl.col("step")
    frame = names.join(days, how="cross").select(
        "instrument", "session", open=close, high=close + 1, low=close - 1, close=close, volume=close * 100, factor=1.0,
        halted=False, price_basis=pl.lit("raw"),
    )  # fmt: skip
    with lake.commit("n", 1) as transaction:
        transaction.upsert("bars", frame)
    assert findings(run(kind="check", checks=["market_copy"])) == {"market_copy": 30}
    result = run(kind="clean", repair="drop_copied_session", preview=False, reason="the vendor repeated a day")
    assert (result["rows_removed"], lake.bars().height) == (30, 150)
    assert SESSIONS[3] not in lake.bars()["session"].to_list()


def test_spells_are_joined_and_repeated_filings_dropped(run: Run, lake: Lake) -> None:
    spells = pl.DataFrame(
        [("u", "A.US", date(2024, 1, 1), date(2024, 3, 1)), ("u", "A.US", date(2024, 2, 1), None), ("u", "B.US",
        date(2024, 1, 1), None)],
        schema=["universe", "instrument", "start", "end"], orient="row",
    )  # fmt: skip
    filed = {"instrument": "A.US", "item_set": "quarterly", "period_end": date(2024, 3, 31), "revenue": 1.0}
    filings = pl.DataFrame([filed | {"known_at": date(2024, 4, day)} for day in range(2, 30)])
    with lake.commit("u", 1) as transaction:
        transaction.upsert("universes", spells)
        transaction.upsert("fundamentals", filings)
    assert findings(run(kind="check"))["membership_overlap"] == 1
    run(kind="clean", table="universes", repair="join_spells", preview=False, reason="one spell")
    assert lake.universe("u").select("instrument", "start", "end").rows() == [
        ("A.US", date(2024, 1, 1), None), ("B.US", date(2024, 1, 1), None),
    ]  # fmt: skip
    dropped = run(kind="clean", table="fundamentals", repair="drop_duplicate", preview=False, reason="two batches")
    assert dropped["rows_removed"] == 27
    assert lake.fundamentals("A.US")["known_at"].to_list() == [date(2024, 4, 2)]
    with pytest.raises(InvalidInputError, match="drop_duplicate is for fundamentals"):
        run(kind="clean", repair="drop_duplicate")


def test_many_removed_rows_leave_their_neighbours_alone(
    dirty: dict[str, Any], run: Run, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.tasks.clean._SINGLE_DELETES", 0)
    kept = lake.bars(instruments=["A.US"])
    run(kind="clean", repair="drop_row", instruments=["B.US"], start=str(SESSIONS[0]), preview=False, reason="gone")
    assert lake.bars().equals(kept)


def test_a_repair_worked_out_on_another_version_is_not_written(
    dirty: dict[str, Any], settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jobs.tasks.clean as clean

    worked_out = clean.repair_named("mark_halted", "bars").fix
    meanwhile = iter(range(100))

    def slowly(*given: Any) -> Any:
        changes = worked_out(*given)
        bar = lake.bars(instruments=["A.US"]).head(1).with_columns(volume=pl.lit(float(5000 + next(meanwhile))))
        with lake.commit(f"other-{bar['volume'][0]}", 1) as transaction:
            transaction.upsert("bars", bar)
        return changes

    repair = clean.repair_named("mark_halted", "bars")
    monkeypatch.setattr(
        clean,
        "repair_named",
        lambda *_: type(repair)(*(getattr(repair, f) for f in ("name", "tables", "sentence", "answers")), slowly),
    )
    once = settings.model_copy(update={"retry_attempts": 0})
    job = jobs.run(CleanSpec(market="US", repair="mark_halted", preview=False, reason="x"), settings=once)
    assert job.status == "failed"
    assert "changed" in str(job.error)
    assert not lake.bars()["halted"].any()
