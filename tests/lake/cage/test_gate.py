"""Every legitimate query passes, every hostile one is refused before anything of it runs."""

import pytest

from lake.cage.errors import SqlFailedError, SqlRefusedError
from lake.cage.gate import MAX_QUERY_CHARS, check_query

RELATIONS = ("bars", "instruments", "universes", "predictions", "factors_alpha158", "backtest_equity")

LEGITIMATE = [
    "SELECT 1",
    "SELECT * FROM bars LIMIT 10",
    "FROM bars",
    "FROM bars SELECT instrument, close WHERE session > DATE '2024-01-01'",
    "SELECT * FROM BARS",
    "VALUES (1, 'a'), (2, 'b')",
    "SELECT instrument, avg(close) AS mean FROM bars GROUP BY ALL ORDER BY ALL",
    "SELECT instrument, close, avg(close) OVER (PARTITION BY instrument ORDER BY session ROWS 19 PRECEDING) FROM bars",
    "SELECT *, row_number() OVER w FROM bars WINDOW w AS (PARTITION BY instrument ORDER BY session)",
    "SELECT * FROM bars QUALIFY rank() OVER (PARTITION BY session ORDER BY close DESC) <= 10",
    "SELECT lag(close, 1) OVER (PARTITION BY instrument ORDER BY session) FROM bars",
    "SELECT first_value(open) OVER (ORDER BY session), percent_rank() OVER (ORDER BY close) FROM bars",
    "WITH a AS (SELECT * FROM bars) SELECT count(*) FROM a",
    "WITH a AS MATERIALIZED (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a, b",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT * FROM t",
    "SELECT * FROM bars b JOIN instruments i USING (instrument)",
    "SELECT * FROM predictions p ASOF JOIN bars b ON p.instrument = b.instrument AND p.session >= b.session",
    "SELECT * FROM bars LEFT JOIN universes u ON bars.instrument = u.instrument AND session BETWEEN u.start AND u.end",
    "SELECT * FROM bars SEMI JOIN universes USING (instrument)",
    "SELECT * FROM bars CROSS JOIN (SELECT 1 AS one)",
    "PIVOT bars ON year IN (2023, 2024) USING avg(close) GROUP BY instrument",
    "UNPIVOT bars ON open, close INTO NAME field VALUE price",
    "SELECT * FROM (PIVOT bars ON year IN (2024) USING sum(volume) GROUP BY instrument)",
    "SELECT CASE WHEN close > open THEN 'up' ELSE 'down' END, count(*) FROM bars GROUP BY 1",
    "SELECT CAST(session AS VARCHAR), close::INTEGER, TRY_CAST(instrument AS INTEGER) FROM bars",
    "SELECT * EXCLUDE (open) REPLACE (round(close, 2) AS close) FROM bars",
    "SELECT COLUMNS('^(open|close)$') FROM bars",
    "SELECT instrument FROM bars WHERE instrument LIKE '%.US' AND instrument NOT IN ('SPY.US')",
    "SELECT instrument FROM bars WHERE regexp_matches(instrument, '^6[0-9]{5}') ",
    "SELECT date_trunc('month', session), sum(amount) FROM bars GROUP BY 1 HAVING sum(amount) > 0",
    "SELECT session + INTERVAL 1 DAY, extract(year FROM session), strftime(session, '%Y-%m') FROM bars",
    "SELECT time_bucket(INTERVAL '1 week', session), max(high), min(low) FROM bars GROUP BY 1",
    "SELECT corr(open, close), regr_slope(close, open), stddev_samp(close), median(close) FROM bars",
    "SELECT quantile_cont(close, [0.1, 0.5, 0.9]) FROM bars",
    "SELECT arg_max(session, close), max_by(session, volume) FROM bars",
    "SELECT count(*) FILTER (WHERE close > open) * 1.0 / count(*) FROM bars",
    "SELECT list(close ORDER BY session)[1:5] FROM bars GROUP BY instrument",
    "SELECT list_transform([1, 2, 3], x -> x + 1), [x * 2 FOR x IN [1, 2] IF x > 1]",
    "SELECT unnest([1, 2, 3]) AS n",
    "SELECT * FROM range(10) r(n)",
    "SELECT * FROM generate_series(DATE '2024-01-01', DATE '2024-02-01', INTERVAL 1 DAY)",
    "SELECT {'a': 1, 'b': 'x'}.a, MAP {'k': 1}['k']",
    "SELECT json_extract_string(metrics, '$.sharpe') FROM (SELECT '{\"sharpe\": 1}' AS metrics)",
    "SELECT metrics->>'$.sharpe' FROM (SELECT '{\"sharpe\": 1}'::JSON AS metrics)",
    "SELECT exp(sum(ln(1 + 0.01))) - 1, sqrt(252) * avg(close) / stddev(close) FROM bars",
    "SELECT * FROM bars WHERE session = (SELECT max(session) FROM bars)",
    "SELECT instrument FROM bars EXCEPT SELECT instrument FROM instruments",
    "SELECT instrument FROM bars UNION ALL BY NAME SELECT instrument FROM instruments",
    "SELECT EXISTS (SELECT 1 FROM bars WHERE close < 0)",
    "SELECT coalesce(name_zh, name_en, ticker), nullif(sector, '') FROM instruments",
    "SELECT instrument, close FROM bars ORDER BY close DESC NULLS LAST LIMIT 5 OFFSET 5",
    "SELECT DISTINCT ON (instrument) instrument, session FROM bars ORDER BY session DESC",
    "SELECT * FROM bars USING SAMPLE 10 PERCENT (bernoulli)",
    "SELECT year, market, grouping(market), count(*) FROM bars GROUP BY ROLLUP (year, market)",
    "SELECT a.instrument FROM bars a, LATERAL (SELECT a.close * 2 AS twice) t WHERE t.twice > 10",
    "DESCRIBE bars",
    "SUMMARIZE bars",
    "DESCRIBE SELECT close FROM bars",
    "SELECT '中文' || name_zh FROM instruments WHERE name_zh SIMILAR TO '.*银行.*'",
    "SELECT upper(ticker), lower(ticker), ticker.substring(1, 2), concat_ws('-', ticker, market) FROM instruments",
    "SELECT histogram(close), approx_quantile(close, 0.5), mode(instrument), entropy(instrument) FROM bars",
    "SELECT sum(volume) OVER (ORDER BY session RANGE BETWEEN INTERVAL 7 DAYS PRECEDING AND CURRENT ROW) FROM bars",
    "SELECT today(), now(), current_date, greatest(open, close), least(open, close), sign(close - open) FROM bars",
]

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
]


@pytest.mark.parametrize("query", LEGITIMATE)
def test_legitimate_query_passes(query: str) -> None:
    check_query(query, RELATIONS)


@pytest.mark.parametrize("query", HOSTILE)
def test_hostile_query_is_refused(query: str) -> None:
    with pytest.raises((SqlRefusedError, SqlFailedError)):
        check_query(query, RELATIONS)


def test_mistyped_table_names_the_close_one() -> None:
    with pytest.raises(SqlRefusedError, match="did you mean 'instruments'"):
        check_query("SELECT * FROM instrument", RELATIONS)


def test_syntax_error_keeps_the_parsers_place() -> None:
    with pytest.raises(SqlFailedError, match="LINE 1"):
        check_query("SELECT close FORM bars x y", RELATIONS)


def test_too_long_query_is_refused() -> None:
    with pytest.raises(SqlRefusedError, match="characters long"):
        check_query("SELECT " + "1 + " * MAX_QUERY_CHARS + "1", RELATIONS)


def test_deeply_nested_query_is_answered_or_refused_but_never_fatal() -> None:
    with pytest.raises((SqlRefusedError, SqlFailedError)):
        check_query("SELECT " + "(" * 20_000 + "1" + ")" * 20_000, RELATIONS)
