"""Queries, errors in words, quoting, threads."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake import Lake
from lake.sql import Session, quote_identifier, quote_list, quote_text
from qbrain_core.errors import InvalidInputError

printable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(printable)
def test_quoted_text_reads_back_as_itself(value: str) -> None:
    assert duckdb.sql(f"select {quote_text(value)}").fetchall() == [(value,)]
    assert duckdb.sql(f"select {quote_list([value, value])}").fetchall() == [([value, value],)]


@given(printable.filter(bool))
def test_quoted_identifier_reads_back_as_itself(name: str) -> None:
    assert duckdb.sql(f"select 1 as {quote_identifier(name)}").columns == [name]


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_identifier_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="SQL name"):
        quote_identifier(name)


def test_text_with_nul_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="no NUL"):
        quote_text("a\0b")


def fill(lake: Lake, job: str, count: int) -> None:
    frame = pl.DataFrame({"universe": "u", "instrument": [f"N{n}.US" for n in range(count)], "start": date(2024, 1, 1)})
    with lake.commit(job, 1) as tx:
        tx.upsert("universes", frame)


def test_query_takes_positional_and_named_parameters(lake: Lake) -> None:
    fill(lake, "a", 3)
    assert lake.sql("select count(*) from universes where instrument = ?", ["N1.US"]).item() == 1
    assert lake.sql("select count(*) from universes where instrument = $i", {"i": "N1.US"}).item() == 1


def test_query_over_an_empty_table_is_typed(lake: Lake) -> None:
    assert lake.sql("select session, close, year, halted from bars").schema == {
        "session": pl.Date, "close": pl.Float64, "year": pl.Int32, "halted": pl.Boolean,
    }  # fmt: skip


def test_instants_come_back_in_utc(lake: Lake) -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    row = {"job_id": "j", "seq": 1, "attempt": 1, "ts": moment, "type": "log", "payload": "{}"}
    with lake.commit("a", 1) as tx:
        tx.upsert("job_events", pl.DataFrame([row]))
    assert lake.sql("select ts from job_events").item() == moment
    assert lake.sql("select month from job_events").item() == "2024-01"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select * from barz", 'Did you mean "?bars|barz'),
        ("selekt 1", "syntax error"),
        ("select 1; select 2", "2 statements"),
        ("", "0 statements"),
        ("select ?", "parameter"),
    ],
)
def test_query_that_cannot_run_says_why(lake: Lake, query: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        lake.sql(query)


def test_python_variables_are_not_tables(lake: Lake) -> None:
    secret = pl.DataFrame({"a": [1]})
    with pytest.raises(InvalidInputError, match="secret"):
        lake.sql("select * from secret")
    assert secret.height == 1


def test_threads_at_different_versions_do_not_disturb_each_other(lake: Lake) -> None:
    for n in range(1, 5):
        fill(lake, f"j{n}", n)

    def count(n: int) -> bool:
        version = n % 5
        found = lake.sql("select count(*) from universes", as_of={"universes": version}).item()
        return bool(found == version and lake.sql("select count(*) from universes").item() == 4)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(count, range(120)))


def test_connections_are_reused_and_views_kept() -> None:
    session = Session()
    for value in (1, 1, 2):
        assert session.run("select v from a", None, {"a": f"SELECT {value} AS v"}).item() == value
    assert session._idle.qsize() == 1
