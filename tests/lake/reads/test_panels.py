"""Panels: the numbers of the rows, wherever they were kept, and never those of another state."""

import threading
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake import Lake, open_lake
from lake.compaction import compact
from lake.panels import Panel
from lake.tables import factor_table
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.settings import Settings

DAYS = [date(2023, 12, 28), date(2023, 12, 29), date(2024, 1, 2), date(2024, 1, 3)]
NAMES = ["A.US", "B.US", "C.US"]


def bars(rows: list[tuple[str, date, float, float]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["instrument", "session", "close", "factor"], orient="row")
    return frame.with_columns(volume=pl.lit(7.0), halted=pl.lit(False), price_basis=pl.lit("raw"))


def write(lake: Lake, job: str, frame: pl.DataFrame, table: object = "bars") -> None:
    with lake.commit(job, 1) as tx:
        tx.upsert(table, frame)


@pytest.fixture
def filled(lake: Lake) -> Lake:
    rows = [(name, day, 10.0 * n + d, 1.0 + d) for n, name in enumerate(NAMES) for d, day in enumerate(DAYS)]
    rows = [row for row in rows if row[:2] != ("B.US", DAYS[1])]
    write(lake, "fill", bars([*rows, ("1.SH", DAYS[0], 5.0, 1.0)]))
    return lake


def by_rows(lake: Lake, field: str, *, market: str = "US", **how: object) -> pl.DataFrame:
    # what a panel has to be, the slow way
    rows = lake.bars(market=market, columns=[field], **how).with_columns(pl.col(field).cast(pl.Float64))
    wide = rows.pivot("instrument", index="session", values=field, sort_columns=True).sort("session")
    return wide.with_columns(pl.exclude("session").fill_null(float("nan")))


def test_panel_of_a_market_is_dense_and_read_only(filled: Lake) -> None:
    panel = filled.panel("close", market="US")
    assert panel.sessions == DAYS
    assert panel.instruments == NAMES
    expected = np.array([[0, 10, 20], [1, np.nan, 21], [2, 12, 22], [3, 13, 23]], float)
    np.testing.assert_array_equal(panel.values, expected)
    assert panel.values.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        panel.values[0, 0] = 1.0


def test_panel_takes_range_names_and_dtype(filled: Lake) -> None:
    panel = filled.panel("close", instruments=["C.US", "1.SH", "NEW.US"], start=DAYS[0], end=DAYS[1], dtype="float32")
    assert panel.instruments == ["1.SH", "C.US", "NEW.US"]
    assert panel.sessions == DAYS[:2]
    assert panel.values.dtype == np.float32
    np.testing.assert_array_equal(panel.values, np.array([[5, 20, np.nan], [np.nan, 21, np.nan]], np.float32))


@pytest.mark.parametrize("adjust", ["none", "backward", "forward"])
@pytest.mark.parametrize("field", ["close", "volume", "factor", "halted"])
def test_panel_equals_the_rows_in_every_adjustment(filled: Lake, adjust: str, field: str) -> None:
    panel = filled.panel(field, market="US", adjust=adjust, start=DAYS[1])
    expected = by_rows(filled, field, adjust=adjust, start=DAYS[1])
    assert panel.frame().equals(expected)


def test_panel_of_a_universe_shows_members_only_while_they_were(filled: Lake) -> None:
    spells = [("u", "A.US", DAYS[0], DAYS[1]), ("u", "A.US", DAYS[3], None), ("u", "C.US", DAYS[2], None),
              ("u", "B.US", date(2020, 1, 1), date(2020, 2, 1))]  # fmt: skip
    frame = pl.DataFrame(spells, schema=["universe", "instrument", "start", "end"], orient="row")
    write(filled, "u", frame, "universes")
    panel = filled.panel("close", universe="u", start=DAYS[0])
    assert panel.instruments == ["A.US", "C.US"]
    nan = np.nan
    np.testing.assert_array_equal(panel.values, [[0, nan], [1, nan], [nan, 22], [3, 23]])
    assert filled.universes() == ["u"]
    with pytest.raises(UnknownNameError, match="universe"):
        filled.panel("close", universe="none")


def test_panel_of_factors_and_valuation(filled: Lake) -> None:
    table = factor_table("tiny", "0" * 8, ("x",))
    keys = pl.DataFrame({"instrument": ["A.US"], "session": [DAYS[0]]})
    write(filled, "f", keys.with_columns(x=1.5), table)
    write(filled, "v", keys.with_columns(pe_ttm=12.0), "valuation")
    for field in ("tiny.x", "factors/tiny-00000000.x"):
        assert filled.panel(field, market="US").values.tolist() == [[1.5]]
    for field in ("pe_ttm", "valuation.pe_ttm"):
        assert filled.panel(field, market="US").values.tolist() == [[12.0]]


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"field": "clsoe", "market": "US"}, UnknownNameError, "did you mean 'close'"),
        ({"field": "none.x", "market": "US"}, UnknownNameError, "table"),
        ({"field": "price_basis", "market": "US"}, InvalidInputError, "it is no number"),
        ({"field": "instruments.lot", "market": "US"}, InvalidInputError, "no value per instrument and session"),
        ({"field": "close"}, InvalidInputError, "only one"),
        ({"field": "close", "market": "US", "universe": "u"}, InvalidInputError, "only one"),
        ({"field": "close", "instruments": "A.US"}, InvalidInputError, "list of instrument ids"),
        ({"field": "close", "market": "US", "dtype": "int8"}, InvalidInputError, "float64 or float32"),
        ({"field": "close", "market": "US", "adjust": "up"}, InvalidInputError, "none, forward, backward"),
    ],
)
def test_panel_refuses_what_makes_no_sense(filled: Lake, how: dict, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        filled.panel(**how)


def test_panel_of_nothing_is_empty(lake: Lake) -> None:
    assert lake.panel("close", market="US").values.shape == (0, 0)
    assert lake.panel("close", instruments=["A.US"], adjust="forward").values.shape == (0, 1)


def test_panel_is_kept_on_the_disk_and_outlives_the_process(filled: Lake, settings: Settings) -> None:
    first = filled.panel("close", market="US")
    again = open_lake(settings)
    doomed = [Path(file.uri) for file in again.snapshot("bars").files]
    if not settings.lake_url:
        for path in doomed:
            path.unlink()  # nothing but the kept panel can answer
    second = again.panel("close", market="US")
    np.testing.assert_array_equal(first.values, second.values)
    memory, _, disk = again.cache.figures()
    assert (memory.hits, memory.misses, disk.hits, disk.misses) == (0, 1, 1, 0)
    assert again.panel("close", market="US").values is second.values


@pytest.mark.parametrize("damage", ["npy short", "npy zeroed", "json garbage", "json other", "npy gone"])
def test_damaged_panel_is_made_anew(filled: Lake, settings: Settings, damage: str) -> None:
    expected = filled.panel("close", market="US").values.copy()
    (array,) = (settings.home / "cache" / "arrays").rglob("*.npy")
    description = array.with_suffix(".json")
    if damage == "npy short":
        array.write_bytes(array.read_bytes()[:-8])
    elif damage == "npy zeroed":
        content = array.read_bytes()
        array.write_bytes(content[:-8] + b"\0" * 8)
    elif damage == "json garbage":
        description.write_bytes(b"\xff\x00{")
    elif damage == "json other":
        description.write_text(description.read_text().replace("A.US", "X.US"))
    else:
        array.unlink()
    again = open_lake(settings)
    panel = again.panel("close", market="US")
    np.testing.assert_array_equal(panel.values, expected)
    assert panel.instruments == NAMES
    np.testing.assert_array_equal(open_lake(settings).panel("close", market="US").values, expected)


def test_write_between_two_reads_shows_at_once(filled: Lake) -> None:
    assert filled.panel("close", instruments=["A.US"]).values[-1, 0] == 3
    write(filled, "restate", bars([("A.US", DAYS[3], 33.0, 4.0)]))
    assert filled.panel("close", instruments=["A.US"]).values[-1, 0] == 33
    assert filled.cross_section(DAYS[3], market="US")["close"].to_list() == [33, 13, 23]


def test_rollback_and_as_of_show_their_own_rows(filled: Lake) -> None:
    before = filled.versions()["bars"]
    write(filled, "restate", bars([("A.US", DAYS[3], 33.0, 4.0)]))
    for _ in range(2):
        assert filled.panel("close", instruments=["A.US"]).values[-1, 0] == 33
        assert filled.panel("close", instruments=["A.US"], as_of={"bars": before}).values[-1, 0] == 3
    filled.rollback("bars", before, "back")
    assert filled.panel("close", instruments=["A.US"]).values[-1, 0] == 3


def test_lake_made_anew_in_the_same_home_finds_nothing_of_the_old_one(filled: Lake, settings: Settings) -> None:
    import shutil

    assert filled.panel("close", market="US").values[0, 0] == 0
    if settings.lake_url:
        pytest.skip("about a lake in a folder")
    shutil.rmtree(settings.home / "lake")
    fresh = open_lake(settings)
    rows = [(name, day, 100.0, 1.0) for name in NAMES for day in DAYS]
    write(fresh, "fill", bars(rows))
    assert fresh.versions()["bars"] == filled.catalog.snapshot("bars", 1).version
    assert fresh.panel("close", market="US").values[0, 0] == 100


def test_compaction_costs_no_panel(filled: Lake) -> None:
    write(filled, "more", bars([("A.US", date(2024, 1, 4), 4.0, 4.0)]))
    panel = filled.panel("close", market="US")
    compact(filled, include_open=True, min_files=2)
    assert filled.panel("close", market="US").values is panel.values


def test_new_day_extends_what_is_kept(filled: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    filled.panel("close", market="US")
    compact(filled, include_open=True, min_files=2)
    write(filled, "day", bars([(name, date(2024, 1, 4), 50.0, 4.0) for name in ["A.US", "0.US"]]))
    monkeypatch.setattr(filled, "_read", lambda *_: pytest.fail("the whole history was read again"))
    panel = filled.panel("close", market="US")
    assert panel.frame().equals(by_rows(filled, "close"))
    assert len(filled.cache.arrays.states(next(iter_series(filled)))) == 1


def iter_series(lake: Lake):
    from lake.cache.keys import code_digest

    yield f"bars close US {code_digest()}"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["upsert", "delete", "compact", "rollback", "look"]),
        st.sets(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=8),
        st.integers(0, 99),
    ),
    min_size=2, max_size=9,
)  # fmt: skip


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_panel_after_any_history_equals_the_rows(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, set[tuple[int, int]], int]]
) -> None:
    home = tmp_path_factory.mktemp("home")
    lake = open_lake(Settings(env="test", home=home, lake_url=str(home / "lake"), redis_url=""))
    for n, (what, cells, value) in enumerate([*steps, ("look", set(), 0)]):
        if what == "upsert":
            rows = [(f"N{i}.US", date(2023, 12, 28) + timedelta(d), float(value), 1.0) for i, d in sorted(cells)]
            write(lake, f"j{n}", bars(rows))
        elif what == "delete":
            with lake.commit(f"j{n}", 1) as tx:
                tx.delete("bars", where={"instrument": f"N{min(cells)[0]}.US"})
        elif what == "compact":
            compact(lake, include_open=True, min_files=2)
        elif what == "rollback":
            lake.rollback("bars", value % (lake.versions()["bars"] + 1), f"j{n}")
        panel = lake.panel("close", market="US")
        expected = by_rows(lake, "close")
        assert panel.frame().equals(expected) if expected.height else panel.values.size == 0


def test_concurrent_misses_read_once(filled: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    reads, found = [], []
    original = filled._read

    def slow(*args: object) -> object:
        reads.append(1)
        threading.Event().wait(0.2)
        return original(*args)

    monkeypatch.setattr(filled, "_read", slow)
    threads = [threading.Thread(target=lambda: found.append(filled.panel("close", market="US"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reads) == 1
    assert len({id(panel.values) for panel in found}) == 1


def test_panel_frames_agree(filled: Lake) -> None:
    panel: Panel = filled.panel("close", market="US")
    frame = panel.pandas()
    assert frame.index.name == "datetime"
    assert frame.columns.tolist() == NAMES
    assert frame.index[0].date() == DAYS[0]
    np.testing.assert_array_equal(frame.to_numpy(), panel.values)
