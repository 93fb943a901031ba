"""The macros every SQL session of the lake has: `ma`, `ema`, `adjust` and `resample`. `docs/sql.md` shows them at work.

Their text is constant and only reads, so that queries in the cage may call them; of `resample` the cage has to check
the first argument, which names a relation.
"""

__all__ = ["EARLY_CLOSES", "MACRO_STATEMENTS", "SCALAR_MACROS", "TABLE_MACROS"]

SCALAR_MACROS = frozenset({"ma", "ema", "adjust"})
"""Macros that stand where a value does."""

TABLE_MACROS = frozenset({"resample"})
"""Macros that stand after FROM; the first argument names a relation of the query, as a text or as a name."""

EARLY_CLOSES: dict[int, tuple[int, ...]] = {
    1993: (1126,), 1994: (1125,), 1995: (703, 1124), 1996: (705, 1129, 1224), 1997: (703, 1128, 1224, 1226),
    1998: (1127, 1224), 1999: (1126, 1231), 2000: (703, 1124), 2001: (703, 1123, 1224), 2002: (705, 1129, 1224),
    2003: (703, 1128, 1224, 1226), 2004: (1126,), 2005: (1125,), 2006: (703, 1124), 2007: (703, 1123, 1224),
    2008: (703, 1128, 1224), 2009: (1127, 1224), 2010: (1126,), 2011: (1125,), 2012: (703, 1123, 1224),
    2013: (703, 1129, 1224), 2014: (703, 1128, 1224), 2015: (1127, 1224), 2016: (1125,), 2017: (703, 1124),
    2018: (703, 1123, 1224), 2019: (703, 1129, 1224), 2020: (1127, 1224), 2021: (1126,), 2022: (1125,),
    2023: (703, 1124), 2024: (703, 1129, 1224), 2025: (703, 1128, 1224), 2026: (1127, 1224),
}  # fmt: skip
"""Sessions of New York that ended at 13:00: month × 100 + day, by year. A test compares them with the calendar."""

_EMA_WINDOWS = 16
# rows beyond this many windows weigh less than 1e-13 of the average

_FEW = "count(_x) OVER ({0} ROWS BETWEEN _n - 1 PRECEDING AND CURRENT ROW) < _n"
_MA = "avg(_x) OVER ({0} ROWS BETWEEN _n - 1 PRECEDING AND CURRENT ROW)"
_PAST = f"list(_x) OVER ({{0}} ROWS BETWEEN {_EMA_WINDOWS} * _n PRECEDING AND CURRENT ROW)"
_EMA = f"list_reduce(({_PAST})[_n + 1:], lambda a, v: a + 2 / (_n + 1) * (v - a), list_avg(({_PAST})[:_n]))"
_BARS = "PARTITION BY instrument, _x IS NULL ORDER BY session"
_NAMED = "PARTITION BY _by, _x IS NULL ORDER BY _along"
# rows without a value are a partition of their own: they neither count nor have an average

_DOUBLED = "lag(session) OVER ({0}) = session"
_ONE_A_SESSION = "'several rows of one session: say what to order by, as in ma(close, 20, instrument, ts)'"


def _average(name: str, formula: str) -> str:
    short = f"""CASE WHEN {_DOUBLED.format(_BARS)} THEN error({_ONE_A_SESSION})
        WHEN {_FEW.format(_BARS)} THEN NULL ELSE {formula.format(_BARS)} END"""
    full = f"CASE WHEN {_FEW.format(_NAMED)} THEN NULL ELSE {formula.format(_NAMED)} END"
    return f"CREATE MACRO {name}(_x, _n) AS {short}, (_x, _n, _by, _along) AS {full}"


_ADJUST = """
CREATE MACRO adjust(_price, _factor) AS _price * _factor,
    (_price, _factor, _base) AS _price * _factor / _base
"""

_EARLY = ", ".join(f"DATE '{year}-{d // 100:02}-{d % 100:02}'" for year, days in EARLY_CLOSES.items() for d in days)

_HOURS = f"""
CREATE MACRO _zone(_market) AS CASE
    WHEN _market IN ('CN', 'DEMO') THEN 'Asia/Shanghai' WHEN _market = 'HK' THEN 'Asia/Hong_Kong'
    WHEN _market = 'US' THEN 'America/New_York' ELSE 'UTC' END;
CREATE MACRO _opens(_market, _minute) AS CASE
    WHEN _market IN ('CN', 'DEMO', 'HK') THEN CASE WHEN _minute <= 780 THEN 570 ELSE 780 END
    WHEN _market = 'US' THEN 570 ELSE 0 END;
CREATE MACRO _closes(_market, _session, _minute) AS CASE
    WHEN _market IN ('CN', 'DEMO') THEN CASE WHEN _minute <= 780 THEN 690 ELSE 900 END
    WHEN _market = 'HK' THEN CASE WHEN _minute <= 780 THEN 720 ELSE 960 END
    WHEN _market = 'US' THEN CASE WHEN _session IN ({_EARLY}) THEN 780 ELSE 960 END ELSE 1440 END;
CREATE MACRO _minutes(_frequency) AS CASE _frequency
    WHEN '1m' THEN 1 WHEN '5m' THEN 5 WHEN '15m' THEN 15 WHEN '30m' THEN 30 WHEN '1h' THEN 60 END
"""
# local minutes of the day; the usual hours of today, and New York's early closes

_RESAMPLE = """
CREATE MACRO resample(_relation, _every) AS TABLE
WITH given AS (
    SELECT NULL::VARCHAR AS instrument, NULL::VARCHAR AS market, NULL::DATE AS session, NULL::TIMESTAMPTZ AS ts,
        NULL::VARCHAR AS frequency, NULL::DOUBLE AS open, NULL::DOUBLE AS high, NULL::DOUBLE AS low,
        NULL::DOUBLE AS close, NULL::DOUBLE AS volume, NULL::DOUBLE AS amount, NULL::DOUBLE AS factor,
        NULL::BOOLEAN AS halted
    WHERE false
    UNION ALL BY NAME SELECT * FROM query_table(_relation)
), timed AS (
    SELECT * REPLACE (coalesce(market, CASE split_part(instrument, '.', -1)
            WHEN 'SH' THEN 'CN' WHEN 'SZ' THEN 'CN' WHEN 'BJ' THEN 'CN'
            ELSE split_part(instrument, '.', -1) END) AS market),
        coalesce(_minutes(frequency), 0) AS source,
        CASE _every WHEN '1d' THEN 0 WHEN '1w' THEN 0 WHEN '1mo' THEN 0 WHEN '1q' THEN 0 WHEN '1y' THEN 0 ELSE
            coalesce(_minutes(_every), error('resample to 5m, 15m, 30m, 1h, 1d, 1w, 1mo, 1q or 1y')) END AS target,
        date_diff('second', session::TIMESTAMP, ts AT TIME ZONE _zone(market)) / 60 AS minute
    FROM given
), hours AS (
    SELECT *, _opens(market, minute) AS opens, _closes(market, session, minute) AS closes FROM timed
), placed AS (
    SELECT *, CASE _every WHEN '1d' THEN session WHEN '1w' THEN date_trunc('week', session)
            WHEN '1mo' THEN date_trunc('month', session) WHEN '1q' THEN date_trunc('quarter', session)
            WHEN '1y' THEN date_trunc('year', session) ELSE session END::DATE AS period,
        CASE WHEN target > 0 AND ts IS NULL THEN error('these rows have no ts: bars of days make no shorter ones')
            WHEN target > 0 THEN
                least(opens + greatest(ceil((minute - opens) / target), 1) * target, closes)::BIGINT END AS bucket
    FROM hours
    WHERE ts IS NULL OR (minute <= closes AND minute > opens)
        OR (minute = opens AND opens = 570 AND market <> 'US')
), made AS (
    SELECT instrument, market, max(session) AS session,
        CASE WHEN bucket IS NOT NULL THEN
            (period::TIMESTAMP + to_minutes(bucket)) AT TIME ZONE _zone(market) END AS ts,
        coalesce(arg_min(open, coalesce(ts, session)) FILTER (halted IS NOT TRUE),
            arg_min(open, coalesce(ts, session))) AS open,
        coalesce(max(high) FILTER (halted IS NOT TRUE), max(high)) AS high,
        coalesce(min(low) FILTER (halted IS NOT TRUE), min(low)) AS low,
        coalesce(arg_max(close, coalesce(ts, session)) FILTER (halted IS NOT TRUE),
            arg_max(close, coalesce(ts, session))) AS close,
        sum(volume) AS volume, sum(amount) AS amount,
        CASE WHEN count(*) FILTER (volume > 0 AND amount IS NULL) = 0 AND sum(volume) > 0 THEN
            sum(amount) / sum(volume) END AS vwap,
        arg_max(factor, coalesce(ts, session)) AS factor, count(*) AS n_bars, source, period
    FROM placed
    WHERE target = 0 OR (source <= target AND target % greatest(source, 1) = 0)
    GROUP BY instrument, market, period, bucket, source
)
SELECT * EXCLUDE (source, period) FROM made
QUALIFY source = min(source) OVER (PARTITION BY instrument, period)
ORDER BY instrument, session, ts
"""

MACRO_STATEMENTS: tuple[str, ...] = (
    _average("ma", _MA), _average("ema", _EMA), _ADJUST, *_HOURS.split(";"), _RESAMPLE,
)  # fmt: skip
"""What creates the macros, in order."""
