"""A lake written by the version before this one: `lake_v1.json` is what that version declared, kept as it was."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable, Schema, write_deltalake

from lake import Lake, open_lake
from lake.compaction import compact
from lake.rows import polars_schema
from lake.s3 import S3Access
from lake.tables import TABLES, Table
from qbrain_core.settings import Settings

OLD: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("lake_v1.json").read_text())
TYPES = {
    "string": pa.string(), "date32[day]": pa.date32(), "double": pa.float64(), "float": pa.float32(),
    "int32": pa.int32(), "int64": pa.int64(), "bool": pa.bool_(), "timestamp[us, tz=UTC]": pa.timestamp("us", tz="UTC"),
}  # fmt: skip
DAYS = [date(2024, 1, 2), date(2024, 1, 3)]


def value(column: str, kind: str, row: int) -> Any:
    words = {"market": "US", "instrument": f"{'AB'[row]}.US", "month": "2024-01", "year": 2024, "known_year": 2024}
    if column in words:
        return words[column]
    return {
        "string": f"{column} {row}", "date32[day]": DAYS[row], "double": row + 0.5, "float": row + 0.25,
        "int32": row + 1, "int64": row + 10, "bool": bool(row),
        "timestamp[us, tz=UTC]": datetime(2024, 1, 2 + row, 15, 30, tzinfo=UTC),
    }[kind]  # fmt: skip


def old_rows(name: str) -> pa.Table:
    columns = OLD[name]["columns"]
    schema = pa.schema([pa.field(c, TYPES[kind], nullable=nullable) for c, kind, nullable in columns])
    return pa.table({c: [value(c, kind, row) for row in (0, 1)] for c, kind, _ in columns}, schema=schema)


def declaration(lake: Lake, name: str) -> Table:
    return lake.catalog.declaration(name)


@pytest.fixture(scope="module", params=["folder", pytest.param("bucket", marks=pytest.mark.soak)])
def old(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Write every table of the old version with delta-rs alone, two rows each; open it with the code of today."""
    with pytest.MonkeyPatch.context() as patch:
        url, options = "", None
        if request.param == "bucket":
            for name, text in request.getfixturevalue("moto_variables").items():
                patch.setenv(name, text)
            url, options = f"s3://places/{uuid.uuid4().hex}", S3Access.from_environment().delta_options()
        home = tmp_path_factory.mktemp("old") / "home"
        settings = Settings(env="test", home=home, lake_url=url, database_url="")
        settings.make_home()
        for name, declared in OLD.items():
            rows, root = old_rows(name), f"{settings.lake_root}/{name}"
            made = DeltaTable.create(
                root, Schema.from_arrow(rows.schema), partition_by=declared["partitions"] or None,
                storage_options=options, configuration={"delta.enableExpiredLogCleanup": "false"},
            )  # fmt: skip
            write_deltalake(made, rows, mode="append")
        yield open_lake(settings)


def expected(lake: Lake, name: str) -> pl.DataFrame:
    """Rows of then in columns of today: what is new is null."""
    frame = pl.DataFrame(pl.from_arrow(old_rows(name)))
    schema = polars_schema(declaration(lake, name))
    return frame.select(
        pl.col(c).cast(t) if c in frame.columns else pl.lit(None, t).alias(c) for c, t in schema.items()
    )


def test_every_old_table_is_still_declared_and_new_ones_are_made(old: Lake) -> None:
    assert set(OLD) <= set(old.catalog.names())
    fresh = [name for name in TABLES if name not in OLD]
    assert fresh
    for name in fresh:
        assert (old.versions()[name], old.scan(name).collect().height) == (0, 0)


@pytest.mark.parametrize("name", OLD)
def test_declaration_only_gained_columns_that_may_be_null(old: Lake, name: str) -> None:
    table = declaration(old, name)
    then, now = {c[0]: (TYPES[c[1]], c[2]) for c in OLD[name]["columns"]}, {c.name: c for c in table.columns}
    assert set(then) <= set(now)
    assert [now[c].type for c in then] == [kind for kind, _ in then.values()]
    assert all(now[c].nullable for c in now if c not in then)
    assert all(now[c].nullable for c, (_, nullable) in then.items() if nullable)
    assert list(table.partitions) == OLD[name]["partitions"]
    assert set(OLD[name]["key"]) <= set(table.key), "a finer key keeps old rows apart, a coarser one would not"
    assert all(not then[c][1] for c in table.key)


@pytest.mark.parametrize("name", OLD)
def test_old_rows_read_as_they_were(old: Lake, name: str) -> None:
    key, want = list(OLD[name]["key"]), expected(old, name)
    assert old.scan(name, as_of={name: 1}).sort(key).collect().equals(want.sort(key))
    view = declaration(old, name).view
    assert old.sql(f'select * from "{view}"', as_of={name: 1}).sort(key).select(want.columns).equals(want.sort(key))
    assert old.scan(name, as_of={name: 0}).collect().is_empty()


@pytest.mark.parametrize("name", OLD)
def test_write_widens_the_table_and_leaves_old_rows_alone(old: Lake, name: str) -> None:
    table, key = declaration(old, name), list(OLD[name]["key"])
    kinds = {str(kind): text for text, kind in TYPES.items()}
    first = {c.name: value(c.name, kinds[str(c.type)], 0) for c in table.columns}
    changed = pl.DataFrame([first], schema=polars_schema(table))
    with old.commit(f"today {name}", 1) as tx:
        tx.upsert(table, changed)
    gained = set(table.schema.names) - {c[0] for c in OLD[name]["columns"]}
    assert tx.changed[name] == (1 if gained else 0), "the row of then with values in the columns of today"
    want = expected(old, name).sort(key)
    want = pl.concat([changed, want.join(changed, on=key, how="anti")]).sort(key)
    for lake in (old, open_lake(old.settings)):
        assert lake.scan(name).sort(key).collect().equals(want)
        assert lake.scan(name, as_of={name: 1}).sort(key).collect().equals(expected(old, name).sort(key))
    compact(old, [name], include_open=True, min_files=2, today=date(2026, 1, 1))
    assert old.scan(name).sort(key).collect().equals(want)
    old.rollback(name, 1, f"undo {name}")
    assert old.scan(name).sort(key).collect().equals(expected(old, name).sort(key))
