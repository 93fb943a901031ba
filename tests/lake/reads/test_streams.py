"""Arrow streams: every row of one version, however it is read."""

from datetime import date, timedelta

import polars as pl
import pyarrow as pa
import pytest

from lake import Lake
from lake.tables import TABLES, factor_table
from qbrain_core.errors import InvalidInputError, UnknownNameError

ROWS = 5_000


@pytest.fixture
def filled(lake: Lake) -> Lake:
    days = [date(2010, 1, 1) + timedelta(n) for n in range(ROWS)]
    bars = pl.DataFrame({"instrument": "A.US", "session": days, "close": [float(n) for n in range(ROWS)]})
    with lake.commit("fill", 1) as tx:
        tx.upsert("bars", bars.with_columns(factor=1.0, halted=False, price_basis=pl.lit("raw")))
    return lake


def test_stream_of_a_table_has_its_columns_and_rows_in_batches(filled: Lake) -> None:
    reader = filled.stream("bars", batch_rows=1_000)
    assert isinstance(reader, pa.RecordBatchReader)
    assert reader.schema.names == TABLES["bars"].schema.names
    batches = list(reader)
    assert len(batches) > 1
    assert sum(batch.num_rows for batch in batches) == ROWS
    assert pl.from_arrow(pa.Table.from_batches(batches))["close"].sum() == sum(range(ROWS))


def test_stream_of_a_query_takes_parameters(filled: Lake) -> None:
    reader = filled.stream("SELECT close FROM bars WHERE close < $limit ORDER BY 1", {"limit": 3})
    assert reader.read_all()["close"].to_pylist() == [0, 1, 2]


def test_stream_goes_on_with_the_version_it_began_with(filled: Lake) -> None:
    reader = filled.stream("bars", batch_rows=500)
    first = reader.read_next_batch()
    with filled.commit("gone", 1) as tx:
        tx.delete("bars", where={"instrument": "A.US"})
    assert first.num_rows + sum(batch.num_rows for batch in reader) == ROWS
    assert filled.stream("bars").read_all().num_rows == 0
    assert filled.stream("bars", as_of={"bars": 1}).read_all().num_rows == ROWS


def test_stream_left_unread_holds_nobody_up(filled: Lake) -> None:
    reader = filled.stream("bars", batch_rows=500)
    reader.read_next_batch()
    assert filled.sql("SELECT count(*) FROM bars").item() == ROWS
    del reader
    assert filled.sql("SELECT count(*) FROM bars").item() == ROWS
    assert filled._session._idle.qsize() == 2


def test_stream_of_factors_by_the_name_of_their_set(filled: Lake) -> None:
    table = factor_table("tiny", "0" * 8, ("x",))
    with filled.commit("f", 1) as tx:
        tx.upsert(table, pl.DataFrame({"instrument": ["A.US"], "session": [date(2024, 1, 2)], "x": [1.0]}))
    for name in ("tiny", "factors/tiny-00000000", "factors_tiny"):
        assert filled.stream(name).read_all()["x"].to_pylist() == [1.0]


def test_stream_refuses_what_it_cannot_read(filled: Lake) -> None:
    with pytest.raises(UnknownNameError):
        filled.stream("brs")
    with pytest.raises(InvalidInputError, match="statements"):
        filled.stream("SELECT 1; SELECT 2")
    with pytest.raises(InvalidInputError, match="at least one row"):
        filled.stream("bars", batch_rows=0)
    late = filled.stream("SELECT CASE WHEN i > 4000000 THEN error('half way') ELSE 'x' END FROM range(5000000) t(i)")
    with pytest.raises(InvalidInputError, match="half way"):
        late.read_all()
    assert filled._session._idle.qsize() == 1
