"""Queries to start from."""

from app.i18n import mark

__all__ = ["EXAMPLES"]

EXAMPLES = {
    mark("Latest closes"): (
        "SELECT b.instrument, i.name_en, b.session, b.close, b.volume\n"
        "FROM bars b JOIN instruments i USING (instrument)\n"
        "WHERE b.session = (SELECT max(session) FROM bars)\n"
        "ORDER BY b.volume DESC\nLIMIT 50"
    ),
    mark("Moving averages"): (
        "SELECT instrument, session, adjust(close, factor) AS adjusted,\n"
        "  ma(close * factor, 20) AS ma20, ema(close * factor, 20) AS ema20\n"
        "FROM bars\nWHERE instrument = (SELECT min(instrument) FROM bars)\n"
        "ORDER BY session"
    ),
    mark("Weekly bars"): (
        "WITH one AS (SELECT * FROM bars WHERE instrument = (SELECT min(instrument) FROM bars))\n"
        "FROM resample('one', '1w')\nORDER BY session"
    ),
    mark("Scores and the close they knew"): (
        "SELECT p.model, p.instrument, p.session, p.score, b.session AS bar, b.close\n"
        "FROM predictions p ASOF JOIN bars b\n"
        "  ON p.instrument = b.instrument AND p.session >= b.session\n"
        "ORDER BY p.session DESC, p.score DESC\nLIMIT 100"
    ),
    mark("Adjusted monthly returns"): (
        "WITH months AS (\n"
        "  SELECT instrument, date_trunc('month', session) AS month, arg_max(close * factor, session) AS adjusted\n"
        "  FROM bars GROUP BY ALL\n)\n"
        "SELECT instrument, month,\n"
        "  adjusted / lag(adjusted) OVER (PARTITION BY instrument ORDER BY month) - 1 AS return\n"
        "FROM months ORDER BY month DESC, return DESC NULLS LAST\nLIMIT 100"
    ),
    mark("Breadth by sector"): (
        "SELECT i.sector, count(*) AS n_stocks, avg(b.close / b.open - 1) AS open_to_close\n"
        "FROM bars b JOIN instruments i USING (instrument)\n"
        "WHERE b.session = (SELECT max(session) FROM bars) AND i.kind = 'stock'\n"
        "GROUP BY i.sector ORDER BY open_to_close DESC"
    ),
    mark("Closes side by side"): (
        "PIVOT (SELECT session, year, close, left(instrument, 6) AS code FROM bars WHERE year >= 2023)\n"
        "ON year IN (2023, 2024, 2025) USING avg(close) GROUP BY code\nORDER BY code"
    ),
    mark("Dividends and splits"): (
        "SELECT session, instrument, action, value, factor_step\n"
        "FROM corporate_actions\nORDER BY session DESC, instrument\nLIMIT 200"
    ),
    mark("Members of a universe"): (
        "SELECT universe, count(DISTINCT instrument) AS n_ever,\n"
        '  count(*) FILTER ("end" IS NULL) AS n_today\nFROM universes GROUP BY universe'
    ),
    mark("Best scores of the last session"): (
        "SELECT model, version, session, instrument, score\nFROM predictions\n"
        "QUALIFY session = max(session) OVER (PARTITION BY model, version)\nORDER BY score DESC\nLIMIT 50"
    ),
    mark("Orders that were not filled"): (
        "SELECT run_id, reason, count(*) AS n_orders\nFROM backtest_rejections\nGROUP BY ALL ORDER BY n_orders DESC"
    ),
}
"""Query by title."""
