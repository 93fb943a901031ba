"""Prices and what moves or discounts them: bars, corporate actions, currencies, rates, factor returns."""

from lake.tables.declaration import Retention, Table, columns
from lake.tables.parts import BOOL, DATE, F64, I32, INSTANT, INSTRUMENT, MARKET, SESSION, TEXT, YEAR

__all__ = ["PRICE_TABLES"]

_OHLC = (
    ("open?", F64, "First price; null on a halt without prices.", "currency"),
    ("high?", F64, "Highest price.", "currency"),
    ("low?", F64, "Lowest price.", "currency"),
    ("close?", F64, "Last price.", "currency"),
    ("volume?", F64, "Shares traded.", "shares"),
    ("amount?", F64, "Value traded; null where the source has none.", "currency"),
)

PRICE_TABLES = (
    Table(
        "bars", "One session of one instrument, at the source's price basis.",
        columns(
            INSTRUMENT, SESSION, MARKET, YEAR, *_OHLC,
            ("factor", F64, "Cumulative adjustment, 1 at the first bar: adjusted = price × factor."),
            ("halted", BOOL, "No trading in this session."),
            ("limit_up?", F64, "Highest price the exchange allowed; null where there is no limit.", "currency"),
            ("limit_down?", F64, "Lowest price the exchange allowed; null where there is no limit.", "currency"),
            ("special_treatment?", BOOL, "Under special treatment (ST) in this session; null where unknown."),
            ("price_basis", TEXT, "raw or split_adjusted."),
            ("turnover?", F64, "Shares traded ÷ shares in free float; null where the source has none.", "fraction"),
            ("made_from?", TEXT, "Frequency of the intraday bars it was made from; null where a source delivered it."),
        ),
        key=("instrument", "session"), partitions=("market", "year"), sort=("instrument", "session"),
        retention=Retention("session"),
    ),
    Table(
        "bars_intraday", "One bar within a session, at the source's price basis; a minute without a trade has no row.",
        columns(
            ("frequency", TEXT, "Length of the bar: 1m, 5m, 15m, 30m, 1h."),
            INSTRUMENT,
            ("ts", INSTANT, "Close of the bar, UTC; its last instant, also where the source labels the start."),
            SESSION, MARKET,
            ("month", TEXT, "Month of ts, YYYY-MM (UTC)."),
            *((row[0].replace("?", ""), *row[1:]) if row[0] in {"open?", "high?", "low?", "close?"} else row
              for row in _OHLC),
            ("price_basis", TEXT, "raw or split_adjusted."),
            ("made_from?", TEXT, "Frequency it was made from; null where a source delivered it."),
        ),
        key=("frequency", "instrument", "ts"), partitions=("frequency", "market", "month"), sort=("instrument", "ts"),
        retention=Retention("ts"),
    ),
    Table(
        "corporate_actions", "A dividend, split or other event that moves the adjustment factor.",
        columns(
            INSTRUMENT, ("session", DATE, "Ex-date."), MARKET,
            ("action", TEXT, "dividend, split or adjustment (a factor step of unstated cause)."),
            ("value", F64, "Dividend: currency per share; split: new shares per old; adjustment: factor step."),
            ("factor_step?", F64, "Factor after ÷ factor before, where known."),
        ),
        key=("instrument", "session", "action"), partitions=("market",), sort=("instrument", "session"),
    ),
    Table(
        "fx_rates", "A currency's price in another on one day.",
        columns(
            ("base", TEXT, "Currency that is priced, ISO 4217."),
            ("quote", TEXT, "Currency of the price, ISO 4217."),
            ("session", DATE, "The day, at the source's fixing or close."),
            ("rate", F64, "Units of quote for one of base."),
        ),
        key=("base", "quote", "session"), sort=("base", "quote", "session"), retention=Retention("session"),
    ),
    Table(
        "interest_rates", "A yield or money-market rate of one tenor on one day.",
        columns(
            ("series", TEXT, "Which rate: us_treasury, shibor, sofr."),
            ("tenor", TEXT, "Time to maturity: 1D, 3M, 10Y."),
            ("session", DATE, "Day it was published for."),
            ("rate", F64, "Annual rate.", "fraction"),
        ),
        key=("series", "tenor", "session"), sort=("series", "tenor", "session"), retention=Retention("session"),
    ),
    Table(
        "factor_returns", "The return of one risk factor on one day.",
        columns(
            ("model", TEXT, "Model the factor belongs to, as the source names it: ff5, carhart4, barra_cne6."),
            ("factor", TEXT, "Factor: market, smb, hml."),
            ("session", DATE, "The day."),
            ("value", F64, "Return of the factor portfolio, above the risk-free rate where it is the market.",
             "fraction"),
        ),
        key=("model", "factor", "session"), sort=("model", "factor", "session"), retention=Retention("session"),
    ),
    Table(
        "valuation", "Ratios and size of one instrument on one session, from what was known at its close.",
        columns(
            INSTRUMENT, SESSION, MARKET, ("year", I32, "Calendar year of the session."),
            ("pe_ttm?", F64, "Price ÷ earnings per share of the last four quarters known."),
            ("pb?", F64, "Price ÷ book value per share of the last report known."),
            ("ps_ttm?", F64, "Price ÷ revenue per share of the last four quarters known."),
            ("pcf_ttm?", F64, "Price ÷ operating cash flow per share of the last four quarters known."),
            ("dividend_yield_ttm?", F64, "Dividends of the last twelve months ÷ price.", "fraction"),
            ("market_cap?", F64, "Price × all shares.", "currency"),
            ("float_cap?", F64, "Price × shares in free float.", "currency"),
        ),
        key=("instrument", "session"), partitions=("market", "year"), sort=("instrument", "session"),
        retention=Retention("session"),
    ),
)  # fmt: skip
