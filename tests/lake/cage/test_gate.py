"""Every hostile query is refused before anything of it runs."""

import re

import duckdb
import pytest

from lake.cage.errors import SqlFailedError, SqlRefusedError
from lake.cage.functions import ALLOWED_FUNCTIONS, ALLOWED_TABLE_FUNCTIONS
from lake.cage.gate import MAX_QUERY_CHARS, check_query

RELATIONS = ("bars", "instruments", "universes", "predictions", "factors_alpha158", "backtest_equity")

HOSTILE = [
    "COPY bars TO 'stolen.csv'",
    "COPY (SELECT 1) TO '/dev/stdout'",
    "WITH x AS (COPY bars TO 'stolen.csv') SELECT * FROM x",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/shadow')",
    "SELECT * FROM read_parquet('s3://bucket/*')",
    "SELECT * FROM parquet_scan('x.parquet')",
    "SELECT * FROM read_json('/etc/hosts')",
    "SELECT * FROM glob('/**')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'data.csv'",
    'SELECT * FROM "https://example.org/x.parquet"',
    'SELECT 1 WHERE EXISTS (WITH "/etc/passwd.csv" AS (SELECT 1) SELECT * FROM "/etc/passwd.csv")',
    'SELECT * FROM "a.csv" WHERE 1 IN (WITH "a.csv" AS (SELECT 1 AS x) SELECT x FROM "a.csv")',
    "WITH duckdb_settings AS (SELECT 1) SELECT * FROM duckdb_settings",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM parquet_metadata('x')",
    "SELECT * FROM parquet_schema('x')",
    "SELECT getenv('HOME')",
    "SELECT 'HOME'.getenv()",
    "SELECT list_transform(['HOME'], x -> getenv(x))",
    "SELECT current_setting('access_mode')",
    "SELECT getvariable('x')",
    "SELECT write_log('x')",
    "SELECT nextval('s')",
    "SELECT setseed(0.5)",
    "SELECT sleep_ms(100000)",
    "SELECT pg_sleep(100)",
    "SELECT current_query()",
    "SELECT version()",
    "SELECT current_database()",
    "SELECT json_serialize_plan('SELECT 1')",
    "SELECT json_execute_serialized_sql('x')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('bars')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_functions()",
    "SELECT * FROM duckdb_tables",
    "SELECT * FROM pragma_database_size()",
    "SELECT * FROM pragma_version()",
    "SELECT * FROM which_secret('a', 'b')",
    "SELECT * FROM duckdb_logs()",
    "SELECT * FROM repeat_row(1, num_rows = 1000000000000)",
    "SELECT * FROM test_all_types()",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM main.secrets",
    "SELECT * FROM temp.bars",
    "SELECT * FROM other.main.bars",
    "SELECT * FROM users",
    "SHOW TABLES",
    "SHOW ALL TABLES",
    "DESCRIBE",
    "SHOW DATABASES",
    "DESCRIBE 'x.parquet'",
    "SUMMARIZE read_csv('/etc/passwd')",
    "PRAGMA database_list",
    "PRAGMA enable_profiling",
    "SET memory_limit = '100GB'",
    "RESET memory_limit",
    "SET VARIABLE x = 1",
    "ATTACH 'x.db'",
    "DETACH memory",
    "USE memory",
    "INSTALL httpfs",
    "LOAD httpfs",
    "CREATE TABLE x (a INT)",
    "CREATE VIEW x AS SELECT 1",
    "CREATE MACRO m() AS 1",
    "CREATE SECRET (TYPE s3)",
    "INSERT INTO bars VALUES (1)",
    "UPDATE bars SET close = 0",
    "DELETE FROM bars",
    "DROP TABLE bars",
    "ALTER TABLE bars ADD COLUMN x INT",
    "TRUNCATE bars",
    "MERGE INTO bars USING instruments ON true WHEN MATCHED THEN DELETE",
    "CALL pragma_version()",
    "EXECUTE p",
    "PREPARE p AS SELECT 1",
    "DEALLOCATE p",
    "EXPORT DATABASE 'x'",
    "IMPORT DATABASE 'x'",
    "CHECKPOINT",
    "VACUUM",
    "ANALYZE",
    "BEGIN",
    "COMMIT",
    "EXPLAIN SELECT 1",
    "EXPLAIN ANALYZE SELECT 1",
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY bars TO 'x'",
    "",
    ";",
    "PIVOT bars ON instrument USING sum(close)",
    "SELECT $1",
    "SELECT ?",
    "SELECT system.main.getenv('HOME')",
    "SELECT pg_catalog.current_setting('x')",
    # writes hidden in reads
    "WITH t AS (SELECT 1) COPY t TO '/dev/null'",
    "COPY bars FROM 'x.csv'",
    "COPY FROM DATABASE memory TO other",
    "EXPLAIN COPY bars TO 'x'",
    "SELECT * FROM (COPY bars TO 'x')",
    "WITH x AS MATERIALIZED (COPY bars TO 'x' (FORMAT parquet)) SELECT 1",
    "WITH x AS (INSERT INTO bars VALUES (1) RETURNING *) SELECT * FROM x",
    "WITH x AS (DELETE FROM bars RETURNING *) SELECT * FROM x",
    "WITH x AS (UPDATE bars SET close = 0 RETURNING *) FROM x",
    # files by name
    "FROM '/etc/passwd'",
    'FROM "/etc/passwd"',
    "FROM 's3://bucket/x.parquet'",
    "SELECT * FROM 'http://169.254.169.254/latest/meta-data/'",
    "SELECT * FROM bars, 'x.csv'",
    "SELECT * FROM bars JOIN 'x.parquet' USING (instrument)",
    "SELECT (SELECT count(*) FROM '/etc/passwd')",
    "SELECT 1 WHERE 1 IN (FROM 'x.csv')",
    'SELECT * FROM main."x.csv"',
    'SELECT * FROM memory.main."x.csv"',
    'SELECT * FROM "bars"."x.csv"',
    "SUMMARIZE 'x.csv'",
    "DESCRIBE SELECT * FROM 'x.csv'",
    "DESCRIBE TABLE 'x.csv'",
    "SHOW 'x.csv'",
    "PIVOT 'x.csv' ON a IN (1) USING sum(b)",
    "UNPIVOT 'x.csv' ON a",
    "WITH RECURSIVE t AS (FROM 'x.csv' UNION ALL FROM t) FROM t",
    "TABLE '/etc/passwd'",
    # files by function
    "FROM read_csv_auto('x')",
    "FROM read_json_auto('x')",
    "FROM read_json_objects('x')",
    "FROM read_ndjson('x')",
    "FROM read_text(['a', 'b'])",
    "FROM read_parquet(['x'], filename = true)",
    "FROM parquet_file_metadata('x')",
    "FROM parquet_kv_metadata('x')",
    "FROM parquet_bloom_probe('x', 'a', 1)",
    "FROM read_xlsx('x')",
    "FROM st_read('x')",
    "FROM delta_scan('x')",
    "FROM iceberg_scan('x')",
    "FROM sqlite_scan('x.db', 't')",
    "FROM postgres_scan('host=x', 'public', 't')",
    "FROM postgres_query('x', 'SELECT 1')",
    "FROM mysql_query('x', 'SELECT 1')",
    "CALL sqlite_attach('x.db')",
    "FROM arrow_scan(1, 2, 3)",
    "FROM pandas_scan(1)",
    "FROM python_map_function(1)",
    "FROM seq_scan('bars')",
    "FROM main.read_csv('x')",
    "FROM system.main.read_csv('x')",
    "FROM \"read_csv\"('x')",
    "FROM READ_CSV('x')",
    "SELECT 'x'.read_text()",
    # what the engine knows
    "FROM duckdb_extensions()",
    "FROM duckdb_views()",
    "FROM duckdb_columns()",
    "FROM duckdb_memory()",
    "FROM duckdb_temporary_files()",
    "FROM duckdb_variables()",
    "FROM duckdb_external_file_cache()",
    "FROM duckdb_databases",
    "FROM pragma_database_list",
    "FROM pragma_table_info('bars')",
    "FROM pragma_storage_info('bars')",
    "FROM pragma_user_agent()",
    "FROM pg_settings",
    "FROM pg_catalog.pg_settings",
    "FROM information_schema.columns",
    "FROM system.information_schema.tables",
    "FROM temp.information_schema.tables",
    "FROM sqlite_schema",
    "WITH pg_settings AS (SELECT 1) FROM pg_settings",
    "WITH sqlite_master AS (SELECT 1) FROM sqlite_master",
    "WITH pragma_database_list AS (SELECT 1) FROM pragma_database_list",
    "FROM sql_auto_complete('SEL')",
    "SELECT json_serialize_sql('SELECT 1')",
    "SELECT json_deserialize_sql('{}')",
    "SELECT current_setting('temp_directory')",
    "SELECT set_config('threads', '64', false)",
    "SELECT current_schemas(true)",
    "SELECT pg_get_viewdef(1)",
    "SELECT txid_current()",
    "SELECT currval('s')",
    # queries as text
    "FROM query('COPY bars TO ''x''')",
    "FROM query_table(['bars', 'instruments'])",
    "FROM query('SELECT ' || getenv('HOME'))",
    # hidden in clauses
    "SELECT close FROM bars ORDER BY getenv('HOME')",
    "SELECT close FROM bars LIMIT (SELECT length(content) FROM read_text('/etc/passwd'))",
    "SELECT close FROM bars OFFSET getenv('X')::INT",
    "SELECT close FROM bars QUALIFY getenv('HOME') = 'x'",
    "SELECT count(*) FROM bars GROUP BY getenv('HOME')",
    "SELECT count(*) FROM bars HAVING getenv('HOME') = 'x'",
    "SELECT sum(close) OVER (PARTITION BY getenv('HOME')) FROM bars",
    "SELECT sum(close) OVER w FROM bars WINDOW w AS (ORDER BY getenv('HOME'))",
    "SELECT sum(close) OVER (ROWS getenv('X')::INT PRECEDING) FROM bars",
    "SELECT count(*) FILTER (WHERE getenv('HOME') = 'x') FROM bars",
    "SELECT string_agg(instrument, getenv('HOME') ORDER BY close) FROM bars",
    "SELECT list(close ORDER BY getenv('HOME')) FROM bars",
    "SELECT * FROM bars a JOIN bars b ON getenv('HOME') = 'x'",
    "SELECT * FROM bars b, LATERAL (SELECT * FROM read_text(b.instrument))",
    "SELECT COLUMNS(c -> getenv(c) = '') FROM bars",
    "SELECT * REPLACE (getenv('HOME') AS close) FROM bars",
    "SELECT {'a': getenv('HOME')}",
    "SELECT MAP {'a': getenv('HOME')}",
    "SELECT [getenv('HOME')]",
    "SELECT CASE WHEN getenv('HOME') = 'x' THEN 1 END",
    "SELECT CAST(getenv('HOME') AS VARCHAR)",
    "SELECT 1 BETWEEN 0 AND length(getenv('HOME'))",
    "SELECT close[getenv('X')::INT] FROM (SELECT [1] AS close)",
    "VALUES (getenv('HOME'))",
    "PIVOT bars ON year IN (2024) USING first(getenv('HOME'))",
    "UNPIVOT (SELECT getenv('HOME') AS a) ON a",
    "FROM range(length(getenv('HOME')))",
    "SELECT EXISTS (SELECT 1 FROM read_text('/etc/passwd'))",
    "SELECT 1 UNION ALL SELECT getenv('HOME')",
    "SUMMARIZE SELECT getenv('HOME')",
    # lambdas
    "SELECT list_transform(['/etc/passwd'], lambda f: read_text(f))",
    "SELECT [getenv(x) FOR x IN ['HOME']]",
    "SELECT [x FOR x IN ['HOME'] IF getenv(x) = '']",
    "SELECT list_filter([1], x -> nextval('s') > 0)",
    "SELECT list_reduce(['a', 'b'], (a, b) -> getenv(a))",
    "SELECT apply(['x'], x -> (SELECT content FROM read_text(x)))",
    # the lake's own macros, on what is none of its tables
    "FROM resample('x.csv', '1w')",
    "FROM resample('ba' || 'rs', '1w')",
    "FROM resample(['bars', 'instruments'], '1w')",
    "FROM resample((SELECT 'bars'), '1w')",
    "FROM resample(_relation := 'x.csv', _every := '1w')",
    "FROM resample('bars', _every := '1w')",
    "FROM resample(getenv('HOME'), '1w')",
    "FROM resample('information_schema.tables', '1w')",
    "FROM resample(information_schema.tables, '1w')",
    "FROM resample('bars', getenv('HOME'))",
    "FROM resample()",
    "SELECT ma(getenv('HOME'), 5) FROM bars",
    "SELECT _zone('CN')",
    # settings and statements
    "SET GLOBAL enable_external_access = true",
    "SET SESSION threads = 64",
    "SET schema = 'x'",
    "RESET ALL",
    "PRAGMA memory_limit = '1TB'",
    "PRAGMA version",
    "CREATE TEMP TABLE x AS FROM bars",
    "CREATE OR REPLACE TEMP VIEW bars AS SELECT 1",
    "CREATE MACRO t() AS TABLE FROM bars",
    "CREATE FUNCTION f(a) AS a + 1",
    "CREATE TYPE x AS ENUM ('a')",
    "CREATE SEQUENCE s",
    "CREATE SCHEMA s",
    "CREATE INDEX i ON bars (close)",
    "CREATE PERSISTENT SECRET s (TYPE s3)",
    "DROP SECRET s",
    "COMMENT ON TABLE bars IS 'x'",
    "UPDATE EXTENSIONS",
    "FORCE INSTALL x FROM community",
    "LOAD 'x.duckdb_extension'",
    "ATTACH 'http://x/y.db' AS z (READ_ONLY)",
    "ATTACH ':memory:' AS z",
    "CALL force_checkpoint()",
    "FROM checkpoint()",
    "CALL enable_logging()",
    "CALL add_parquet_key('k', '0123456789112345')",
    "CALL start_ui()",
    "CALL dbgen(sf = 100)",
    "ROLLBACK",
    "PREPARE p AS COPY bars TO 'x'",
    "EXECUTE p(1)",
    "SELECT $name",
    "SELECT * FROM bars AT (VERSION => 1)",
    # several statements, comments, characters that look like others
    "SELECT 1;; SELECT 2",
    "SELECT 1; -- x\n DROP TABLE bars",
    "/* SELECT */ DROP TABLE bars",
    "-- SELECT\nDROP TABLE bars",
    "SELECT 1 /* ; */ ; ATTACH 'x'",
    "SELECT 1\u00a0;\u2003DROP TABLE bars",
    "\ufeffDROP TABLE bars",
    "DR\u200bOP TABLE bars",
    "SELECT ｇｅｔｅｎｖ('HOME')",
    "SELECT 1\0; DROP TABLE bars",
    "SELECT \"getenv\"('HOME')",
    "SELECT GETENV('HOME')",
    "SELECT/**/getenv/**/('HOME')",
    "SELECT E'\\x27'.getenv()",
    "SELECT $$x$$.getenv()",
    # bombs for the parser
    "SELECT " + "(" * 400,
    "SELECT " + "[" * 900 + "]" * 900,
    "SELECT " + "(SELECT " * 900 + "1" + ")" * 900,
    "WITH a AS (" * 600 + "SELECT 1" + ") SELECT 1" * 600,
    "SELECT NULL::" + "STRUCT(a " * 900 + "INT" + ")" * 900,
    "SELECT * FROM bars" + ", bars" * 15_000,
]


def test_list_of_hostile_queries_is_long_and_says_nothing_twice() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 150


@pytest.mark.parametrize("query", HOSTILE)
def test_hostile_query_is_refused(query: str) -> None:
    with pytest.raises((SqlRefusedError, SqlFailedError)):
        check_query(query, RELATIONS)


def test_mistyped_table_names_the_close_one() -> None:
    with pytest.raises(SqlRefusedError, match="did you mean 'instruments'"):
        check_query("SELECT * FROM instrument", RELATIONS)


def test_syntax_error_keeps_the_parsers_place() -> None:
    with pytest.raises(SqlFailedError, match=r"syntax error .* \(line 2, column 14\)") as caught:
        check_query("SELECT '中',\n  close FORM bars x y", RELATIONS)
    assert caught.value.place is not None
    assert (caught.value.place.line, caught.value.place.column) == (2, 14)


def test_refusal_tells_the_place_in_characters() -> None:
    query = "SELECT '中文',\n  getenv('HOME')"
    with pytest.raises(SqlRefusedError) as caught:
        check_query(query, RELATIONS)
    place = caught.value.place
    assert place is not None
    assert query[place.start : place.end] == "getenv('HOME')"


def test_every_relation_of_the_engine_is_out_of_reach() -> None:
    # also as the name of a WITH table, which would hide behind it
    known = duckdb.connect(":memory:").execute("SELECT view_name, schema_name FROM duckdb_views() WHERE internal")
    for view, schema in known.fetchall():
        queries = [f"FROM {schema}.{view}", f"FROM {view}"]
        if schema != "information_schema":
            queries.append(f"WITH {view} AS (SELECT 1) FROM {view}")
        for query in queries:
            with pytest.raises(SqlRefusedError):
                check_query(query, RELATIONS)


def test_functions_that_reach_out_are_on_no_list() -> None:
    known = duckdb.connect(":memory:").execute("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()
    reaching = re.compile(
        r"read_|_scan$|^glob$|getenv|setting|variable|secret|^query|pragma|duckdb_|_log|sleep|serialize"
    )
    found = {name for (name,) in known if reaching.search(name)}
    assert len(found) > 40
    assert found & (ALLOWED_FUNCTIONS | ALLOWED_TABLE_FUNCTIONS) == set()


def test_too_long_query_is_refused() -> None:
    with pytest.raises(SqlRefusedError, match="characters long"):
        check_query("SELECT " + "1 + " * MAX_QUERY_CHARS + "1", RELATIONS)


def test_deeply_nested_query_is_answered_or_refused_but_never_fatal() -> None:
    with pytest.raises((SqlRefusedError, SqlFailedError)):
        check_query("SELECT " + "(" * 20_000 + "1" + ")" * 20_000, RELATIONS)
