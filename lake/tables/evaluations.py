"""How well factors ordered the returns that followed: runs, figures of each factor, sessions, and small tables."""

from lake.tables.declaration import Table, columns
from lake.tables.parts import DATE, F64, I32, INSTANT, MARKET, MONTH, OWNER, SESSION, TEXT, VISIBILITY

__all__ = ["EVALUATION_TABLES", "FACTOR_FIGURES", "MAX_QUANTILES"]

MAX_QUANTILES = 10
"""Quantiles that `evaluation_sessions` has columns for."""

_RUN = ("run_id", TEXT, "Evaluation: the id of its job.")
_FACTOR = ("factor", TEXT, "Name of the factor.")

_FIGURES = (
    ("coverage?", F64, "Members with a value after preprocessing ÷ members, over all sessions.", "fraction"),
    ("nan_share?", F64, "Members without a raw value ÷ members.", "fraction"),
    ("inf_share?", F64, "Members with an infinite raw value ÷ members.", "fraction"),
    ("mean?", F64, "Mean of the raw values."),
    ("std?", F64, "Sample standard deviation of the raw values."),
    ("skew?", F64, "Moment skewness of the raw values."),
    ("kurtosis?", F64, "Excess kurtosis of the raw values; 0 for the normal distribution."),
    ("min?", F64, "Smallest raw value."),
    ("median?", F64, "Median of the raw values."),
    ("max?", F64, "Largest raw value."),
    ("ic_mean?", F64, "Mean over sessions of the correlation with the label (Pearson)."),
    ("ic_std?", F64, "Its sample standard deviation over sessions."),
    ("icir?", F64, "ic_mean ÷ ic_std, not annualised."),
    ("ic_t?", F64, "Newey-West t of ic_mean."),
    ("ic_p?", F64, "Two-sided p of ic_t."),
    ("ic_positive?", F64, "Share of sessions with a correlation above 0.", "fraction"),
    ("rank_ic_mean?", F64, "Mean over sessions of the rank correlation with the label (Spearman)."),
    ("rank_ic_std?", F64, "Its sample standard deviation over sessions."),
    ("rank_icir?", F64, "rank_ic_mean ÷ rank_ic_std, not annualised."),
    ("rank_ic_t?", F64, "Newey-West t of rank_ic_mean."),
    ("rank_ic_p?", F64, "Two-sided p of rank_ic_t."),
    ("rank_ic_positive?", F64, "Share of sessions with a rank correlation above 0.", "fraction"),
    ("half_life?", F64, "Sessions after which the rank IC with the return of a single session is half of the first; "
     "null where it never is within the horizons, or the first is within 2 errors of 0.", "sessions"),
    ("monotonicity?", F64, "Spearman correlation of the quantiles' numbers with their mean returns."),
    ("turnover?", F64, "One-sided turnover of a leg of the long-short portfolio per session.", "fraction"),
    ("rank_autocorrelation?", F64, "Mean correlation of ranks with those one holding period before."),
    ("break_even_bps?", F64, "Cost per side at which the long-short portfolio earns nothing.", "bps"),
    ("gross_return?", F64, "Mean long-short return × sessions per year, before costs.", "fraction a year"),
    ("net_return?", F64, "The same after costs.", "fraction a year"),
    ("gross_sharpe?", F64, "Annualised mean ÷ deviation of the long-short return before costs."),
    ("net_sharpe?", F64, "The same after costs."),
    ("gross_t?", F64, "Newey-West t of the long-short return before costs."),
    ("net_max_drawdown?", F64, "Deepest fall of the compounded net long-short return.", "fraction"),
    ("top_excess?", F64, "Mean return of the highest quantile less that of all names × sessions per year, "
     "before costs.", "fraction a year"),
    ("nearest_correlation?", F64, "Rank correlation with the most similar other factor."),
    ("marginal_ic?", F64, "Rank IC of what is left when all other factors are taken out."),
    ("marginal_t?", F64, "t of marginal_ic."),
    ("names?", F64, "Instruments evaluated per session, mean."),
)  # fmt: skip

FACTOR_FIGURES = tuple(row[0].rstrip("?") for row in _FIGURES)
"""Columns of `evaluation_factors` that are numbers and may be null."""

EVALUATION_TABLES = (
    Table(
        "evaluations", "An evaluation of factors: what it was and by which conventions; written last.",
        columns(
            _RUN, MONTH, OWNER, VISIBILITY,
            ("created_at", INSTANT, "When it was written."),
            ("name", TEXT, "What people call it."),
            MARKET,
            ("universe?", TEXT, "Universe of the names; null: all stocks of the market."),
            ("factor_set?", TEXT, "Factor set that was judged; null: expressions of the spec."),
            ("factor_table?", TEXT, "Table that its values were read from."),
            ("start", DATE, "First session of a signal."),
            ("end", DATE, "Last session of a signal."),
            ("horizon", I32, "Sessions held.", "sessions"),
            ("quantiles", I32, "Portfolios that each session was divided into."),
            ("n_factors", I32, "Factors judged."),
            ("spec", TEXT, "The job's spec, JSON."),
            ("pins", TEXT, "Table versions read, JSON."),
            ("code_hash", TEXT, "Package version and digest of the core's sources."),
            ("conventions", TEXT, "What the figures mean, JSON list of {code, params}."),
            ("counts", TEXT, "Instruments × sessions, and where they went; JSON."),
        ),
        key=("run_id",), partitions=("month",), sort=("run_id",),
    ),
    Table(
        "evaluation_factors", "The figures of one factor in one evaluation.",
        columns(
            _RUN, MONTH, _FACTOR,
            ("expression", TEXT, "Its expression; empty where the set does not say."),
            ("sessions", I32, "Sessions with a rank correlation.", "sessions"),
            ("nearest?", TEXT, "The most similar other factor, by rank."),
            *_FIGURES,
        ),
        key=("run_id", "factor"), partitions=("month",), sort=("run_id", "factor"),
    ),
    Table(
        "evaluation_sessions", "One session of one factor in one evaluation.",
        columns(
            _RUN, MONTH, _FACTOR, SESSION,
            ("n_members", I32, "Members of the universe that traded."),
            ("n_values", I32, "Members with a finite raw value."),
            ("n", I32, "Instruments correlated with the label."),
            ("ic?", F64, "Correlation of the session's values with what followed."),
            ("rank_ic?", F64, "Rank correlation of the session's values with what followed."),
            ("rank_autocorrelation?", F64, "Correlation of ranks with those one holding period before."),
            ("turnover?", F64, "One-sided turnover of a leg, traded at this close.", "fraction"),
            ("gross?", F64, "Highest less lowest quantile, earned in this session.", "fraction"),
            ("net?", F64, "The same after the costs of what was traded in it.", "fraction"),
            ("universe_return?", F64, "Earned in this session by all names evaluated.", "fraction"),
            *((f"quantile_{k}?", F64, f"Earned in this session by quantile {k}; 1 holds the lowest values.", "fraction")
              for k in range(1, MAX_QUANTILES + 1)),
        ),
        key=("run_id", "factor", "session"), partitions=("month",), sort=("run_id", "factor", "session"),
    ),
    Table(
        "evaluation_details", "One number of a small table in the report on one factor.",
        columns(
            _RUN, MONTH, _FACTOR,
            ("section", TEXT, "Which table: quantile, decay, year, month, sector, size, distribution, histogram_…, "
             "ic_histogram, ic_qq or correlation."),
            ("item", TEXT, "Row of it: a quantile, a horizon, a year, a sector, a bin, another factor."),
            ("position", I32, "Place of the row, from 1."),
            ("measure", TEXT, "Column of it."),
            ("value?", F64, "The number; returns are fractions."),
        ),
        key=("run_id", "factor", "section", "item", "measure"), partitions=("month",),
        sort=("run_id", "factor", "section", "position"),
    ),
)  # fmt: skip
