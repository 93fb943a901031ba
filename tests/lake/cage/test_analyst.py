"""What analysts ask passes the gate and is answered in the cage, macros and windows and all."""

import io
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from lake import Lake, open_lake
from lake.cage import run_query
from lake.cage.child import answer
from lake.cage.request import compose
from lake.tables import factor_table
from qbrain_core.settings import Settings

DAYS = [day for n in range(90) if (day := date(2024, 1, 1) + timedelta(days=n)).weekday() < 5]
NAMES = ["600519.SH", "000001.SZ", "AAPL.US", "MSFT.US"]

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
    # the lake's macros
    "SELECT instrument, session, ma(close, 5), ema(close, 12) FROM bars ORDER BY ALL",
    "SELECT ma(volume, 3, instrument, session) AS v3 FROM bars QUALIFY v3 > 0",
    "SELECT adjust(close, factor), adjust(close, factor, 2.0) FROM bars",
    "FROM resample('bars', '1w')",
    "FROM resample(bars, '1mo') WHERE instrument = 'AAPL.US'",
    "WITH cn AS (SELECT * FROM bars WHERE market = 'CN') SELECT instrument, session, close FROM resample('cn', '1q')",
    "SELECT * FROM (SELECT instrument, close / ma(close, 20) - 1 AS gap FROM bars) WHERE gap IS NOT NULL ORDER BY gap",
    # longer ones
    "WITH r AS (SELECT instrument, session, ln(close / lag(close) OVER w) AS r FROM bars "
    "WINDOW w AS (PARTITION BY instrument ORDER BY session)) "
    "SELECT a.instrument AS a, b.instrument AS b, corr(a.r, b.r) AS rho FROM r a JOIN r b USING (session) "
    "WHERE a.instrument < b.instrument GROUP BY ALL ORDER BY rho DESC",
    "WITH p AS (SELECT *, max(close) OVER (PARTITION BY instrument ORDER BY session) AS peak FROM bars) "
    "SELECT instrument, min(close / peak - 1) AS drawdown FROM p GROUP BY 1",
    "SELECT instrument, regr_slope(close, epoch(session)), regr_r2(close, epoch(session)) FROM bars GROUP BY ALL",
    "SELECT b.instrument, f.KMID, ntile(5) OVER (PARTITION BY b.session ORDER BY f.KMID) AS bucket "
    "FROM bars b JOIN factors_alpha158 f USING (instrument, session)",
    "SELECT u.instrument FROM universes u WHERE universe = 'demo' AND DATE '2024-02-01' BETWEEN start "
    "AND coalesce(\"end\", DATE '9999-12-31')",
    "SELECT session, instrument, close, close > max(close) OVER (PARTITION BY instrument ORDER BY session "
    "ROWS BETWEEN 20 PRECEDING AND 1 PRECEDING) AS breakout FROM bars",
    "WITH RECURSIVE d(s) AS (SELECT DATE '2024-01-01' UNION ALL SELECT s + 7 FROM d WHERE s < DATE '2024-03-01') "
    "SELECT d.s, b.instrument, b.close FROM d ASOF JOIN bars b ON d.s >= b.session",
    "SELECT * FROM bars TABLESAMPLE reservoir(5 ROWS) REPEATABLE (42)",
    "SELECT instrument, list_sort(list(close))[-3:] AS top, list_avg(list(close)) FROM bars GROUP BY instrument",
    "SELECT instrument, {'first': min(session), 'last': max(session)} AS span FROM bars GROUP BY 1",
    "SELECT market, map_from_entries(list((instrument, close))) FROM bars WHERE session = DATE '2024-01-02' GROUP BY 1",
    "SELECT market, max(close) - min(close) AS x FROM bars GROUP BY 1 HAVING x > (SELECT avg(close) / 9 FROM bars)",
    "TABLE instruments",
    "SELECT session, sum(volume) AS v FROM bars GROUP BY CUBE (session, market) ORDER BY v DESC LIMIT 3",
    "(SELECT instrument FROM bars LIMIT 1) UNION (SELECT instrument FROM instruments) INTERSECT "
    "SELECT instrument FROM universes",
    "SELECT now() - TIMESTAMPTZ '2024-01-01' AS age, INTERVAL 3 DAY AS three, '2024-01-05'::DATE - session FROM bars",
    "SELECT sum(volume::HUGEINT) AS total, 1.5::DECIMAL(10, 2) AS d, '1010'::BIT AS b FROM bars",
    "SELECT name_zh, length(name_zh), left(name_zh, 1) FROM instruments WHERE name_zh IS NOT NULL",
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    settings = Settings(env="test", home=tmp_path_factory.mktemp("analyst"), sql_timeout_s=120)
    settings.make_home()
    lake = open_lake(settings)
    bars = pl.DataFrame({"instrument": NAMES}).join(pl.DataFrame({"session": DAYS}), how="cross").with_columns(
        market=pl.when(pl.col("instrument").str.ends_with("US")).then(pl.lit("US")).otherwise(pl.lit("CN")),
        close=10.0 + pl.int_range(pl.len()) % 17, factor=1.0, halted=False, price_basis=pl.lit("raw"),
    )  # fmt: skip
    bars = bars.with_columns(
        open=pl.col("close") - 0.5, high=pl.col("close") + 1, low=pl.col("close") - 1, volume=1000.0,
        amount=pl.col("close") * 1000,
    )  # fmt: skip
    known = pl.DataFrame(
        {
            "instrument": NAMES, "ticker": [name[:-3] for name in NAMES], "market": ["CN", "CN", "US", "US"],
            "kind": "stock", "currency": ["CNY", "CNY", "USD", "USD"], "lot": [100, 100, 1, 1],
            "name_en": ["Kweichow Moutai", "Ping An Bank", "Apple", "Microsoft"],
            "name_zh": ["贵州茅台", "平安银行", None, None],
        }
    )  # fmt: skip
    scores = bars.select("instrument", "session", score="close", model=pl.lit("m"), version=pl.lit(1, pl.Int32))
    with lake.commit("fill", 1) as transaction:
        transaction.upsert("bars", bars)
        transaction.upsert("instruments", known)
        transaction.upsert("predictions", scores)
        transaction.upsert(
            "universes",
            pl.DataFrame({"universe": "demo", "instrument": NAMES, "start": [DAYS[0]] * 4, "end": [None] * 4}).cast(
                {"end": pl.Date}
            ),
        )
        factors = bars.select("instrument", "session", KMID=pl.col("close").cast(pl.Float32))
        transaction.upsert(factor_table("alpha158", "0123456789ab", ("KMID",)), factors)
    return lake


def test_list_of_analysts_queries_is_long_and_says_nothing_twice() -> None:
    assert len(set(LEGITIMATE)) == len(LEGITIMATE) >= 60


@pytest.mark.parametrize("query", LEGITIMATE)
def test_analysts_query_is_answered(filled: Lake, query: str) -> None:
    # what the query's process does, in this one: a process for each would take a minute
    request, _ = compose(filled, query, as_of=None, max_rows=10_000)
    written = io.BytesIO()
    assert answer(request, written) == ""
    assert pl.read_ipc_stream(written.getvalue()).width > 0


@pytest.mark.parametrize(
    "query", [pytest.param(q, marks=() if n % 9 == 0 else pytest.mark.soak) for n, q in enumerate(LEGITIMATE)]
)
def test_analysts_query_is_answered_in_a_process_of_its_own(filled: Lake, query: str) -> None:
    result = run_query(filled, query)
    assert result.frame.height == result.rows
    assert result.frame.width > 0


def test_answers_are_those_of_the_lake_itself(filled: Lake) -> None:
    for query in (
        "SELECT instrument, session, ma(close, 5) AS m, ema(close, 12) AS e FROM bars ORDER BY ALL",
        "SELECT instrument, session, close FROM resample('bars', '1w') ORDER BY ALL",
        "SELECT p.instrument, b.close FROM predictions p ASOF JOIN bars b "
        "ON p.instrument = b.instrument AND p.session >= b.session ORDER BY ALL",
    ):
        mine = run_query(filled, query).frame
        assert mine.height > 0
        assert mine.equals(filled.sql(query))


def test_query_at_a_moment_sees_what_was_there_then(filled: Lake) -> None:
    counted = "SELECT count(*) AS n FROM bars"
    before = run_query(filled, counted).frame.item()
    moment = datetime.now(UTC)
    with filled.commit("later", 1) as transaction:
        transaction.replace("bars", filled.bars().clear(), where={"market": "US"})
    assert run_query(filled, counted).frame.item() == before / 2
    assert run_query(filled, counted, as_of=moment).frame.item() == before
    at_version = run_query(filled, counted, as_of="bars=1")
    assert at_version.frame.item() == before
    assert at_version.versions == {"bars": 1}
    filled.rollback("bars", 1, "back")
