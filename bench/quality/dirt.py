"""Every piece of dirt that is known of the data sets, the check that has to find it, and where."""

from dataclasses import dataclass

__all__ = ["DIRT", "Dirt"]


@dataclass(frozen=True)
class Dirt:
    """Something known to be wrong, or odd, in a data set.

    Attributes
    ----------
    data_set : str
    words : str
        What it is.
    check : str
        Name of the check that has to find it.
    exhibit : str
        How the names of the exhibits begin in which it has to.
    at : tuple of str
        Rows that have to be among those found, `SYMBOL` or `SYMBOL YYYY-MM-DD` (or a day alone, or another value
        of the row).
    count : int or None
        Rows that have to be found, where it is known from outside.
    """

    data_set: str
    words: str
    check: str
    exhibit: str
    at: tuple[str, ...] = ()
    count: int | None = None


DIRT = (
    # us_daily_10y
    Dirt("us_daily_10y", "spin-off booked twice", "double_booking", "us_daily_10y: bars", ("DHR.US 2016-07-05",), 1),
    Dirt("us_daily_10y", "spin-offs as fractional splits", "fractional_split", "us_daily_10y: bars",
         ("RTX.US", "GE.US", "DD.US", "T.US", "DHR.US")),
    Dirt("us_daily_10y", "reverse splits", "reverse_split", "us_daily_10y: bars", ("GE.US 2021-08-02", "AMCR.US",
         "DD.US")),
    Dirt("us_daily_10y", "special dividends that look like crashes", "special_dividend", "us_daily_10y: bars",
         ("KDP.US 2018-07-10", "GEN.US 2020-02-03", "BKR.US 2017-07-05", "LDOS.US 2016-08-17")),
    Dirt("us_daily_10y", "adjusted close by another formula", "adjustment_formula", "us_daily_10y: bars",
         ("BKR.US 2017-07-05",)),
    Dirt("us_daily_10y", "rows without volume before a listing", "zero_volume", "us_daily_10y: bars",
         ("SW.US", "AMCR.US", "HWM.US"), 1813),
    Dirt("us_daily_10y", "stale prices before a listing", "stale_price", "us_daily_10y: bars", ("AMCR.US",)),
    Dirt("us_daily_10y", "partly updated last bar", "partial_last_bar", "us_daily_10y: bars", ("APH.US 2026-03-13",),
         9),
    Dirt("us_daily_10y", "high and low do not contain open and close", "ohlc_order", "us_daily_10y: bars",
         ("HUBB.US 2021-05-05",), 1),
    Dirt("us_daily_10y", "a session is missing", "missing_session", "us_daily_10y: bars", ("FISV.US 2025-11-13",)),
    Dirt("us_daily_10y", "35 symbols start later", "late_start", "us_daily_10y: bars", ("ABNB.US",), 35),
    Dirt("us_daily_10y", "survivorship: today's members only", "survivorship",
         "us_reference: sp500_membership_monthly"),
    # us_daily_5yr
    Dirt("us_daily_5yr", "null opens, some highs and lows too", "null_price", "us_daily_5yr: bars",
         ("DHR.US 2016-01-12", "O.US 2016-01-12", "FTV.US 2016-07-01", "BHF.US 2017-07-26"), 11),
    Dirt("us_daily_5yr", "zero volumes (the same rows have no open)", "zero_volume", "us_daily_5yr: volume alone", (),
         4),
    Dirt("us_daily_5yr", "half adjusted row", "half_adjusted", "us_daily_5yr: bars", ("CHD.US 2014-05-19",), 2),
    Dirt("us_daily_5yr", "rows outside high and low", "ohlc_order", "us_daily_5yr: bars", ("AOS.US 2014-05-19",), 10),
    Dirt("us_daily_5yr", "unadjusted split, in the close only", "half_adjusted", "us_daily_5yr: bars",
         ("LNT.US 2016-05-19",)),
    Dirt("us_daily_5yr", "unadjusted splits", "unadjusted_split", "us_daily_5yr: bars",
         ("DISCA.US 2014-08-07", "DISCK.US 2014-08-07")),
    Dirt("us_daily_5yr", "spin-offs that nobody booked", "unexplained_gap", "us_daily_5yr: bars",
         ("NI.US 2015-07-02", "EBAY.US 2015-07-20", "BAX.US 2015-07-01", "ARNC.US 2016-11-01")),
    Dirt("us_daily_5yr", "names that begin late", "late_start", "us_daily_5yr: bars", ("BHF.US",)),
    Dirt("us_daily_5yr", "sessions missing within a history", "missing_session", "us_daily_5yr: bars"),
    Dirt("us_daily_5yr", "later splits: the other source is on another scale", "source_scale", "us_daily_5yr: bars",
         ("AAPL.US", "AMZN.US")),
    Dirt("us_daily_5yr", "closes on which two sources disagree", "source_disagreement", "us_daily_5yr: bars"),
    Dirt("us_daily_5yr", "names that the other source does not have", "not_in_other_source", "us_daily_5yr: bars", (),
         145),
    # us_reference
    Dirt("us_reference", "BRK.B here, BRK-B there", "symbol_form", "us_reference: constituents"),
    Dirt("us_reference", "constituents newer than the prices", "instrument_without_bars", "us_reference: constituents",
         (), 12),
    Dirt("us_reference", "members without prices", "no_prices", "us_reference: sp500_membership_monthly"),
    Dirt("us_reference", "member counts off 500", "membership_count", "us_reference: sp500_membership_monthly",
         ("2015-12-01",)),
    Dirt("us_reference", "dates written M/D/YYYY", "odd_dates", "us_reference: nyse_securities_2017"),
    # us_fundamentals
    Dirt("us_fundamentals", "every filing comes in two batches", "repeated_filing",
         "us_fundamentals: us_quarterly_pit"),
    Dirt("us_fundamentals", "amendments", "amended_filing", "us_fundamentals: us_quarterly_pit", (), 626),
    Dirt("us_fundamentals", "figures that banks and insurers lack", "null_figures", "us_fundamentals: us_quarterly_pit",
         ("operating_income", "current_assets", "current_liabilities")),
    Dirt("us_fundamentals", "full-year rows among quarters", "full_year_row", "us_fundamentals: us_quarterly_pit"),
    Dirt("us_fundamentals", "cash flows counted from the year's start", "year_to_date_flow",
         "us_fundamentals: us_quarterly_pit"),
    Dirt("us_fundamentals", "periods are missing", "missing_period", "us_fundamentals: us_quarterly_pit",
         ("MSFT.US 2016-12-31",)),
    Dirt("us_fundamentals", "10-Q that says FY", "form_period_mismatch", "us_fundamentals: us_quarterly_pit", (), 8),
    Dirt("us_fundamentals", "known before the period ends (not in the list, found)", "known_before_period_end",
         "us_fundamentals: us_quarterly_pit", ("NDLS.US",)),
    Dirt("us_fundamentals", "annual statements without a filing date", "null_known_at", "us_fundamentals: nyse_annual",
         (), 1558),
    Dirt("us_fundamentals", "period ends written M/D/YYYY", "odd_dates", "us_fundamentals: nyse_annual"),
    # us_increments
    Dirt("us_increments", "restated history", "restated_history", "us_increments: prices", ("PMV.US 2016-01-08",)),
    Dirt("us_increments", "splits between batches", "restated_by_split", "us_increments: prices",
         ("SHEN.US 2016-01-04", "OPHC.US", "UPIP.US", "ETRM.US", "FREE.US")),
    Dirt("us_increments", "the number of symbols varies", "delivery_size", "us_increments: prices"),
    Dirt("us_increments", "empty report files", "empty_delivery", "us_increments: reports",
         ("20160104.csv", "20160105.csv"), 2),
    Dirt("us_increments", "report files without their header", "missing_header", "us_increments: reports"),
    Dirt("us_increments", "zero volumes", "zero_volume", "us_increments: prices"),
    Dirt("us_increments", "a stray header row (planted: the batch that has it is not in the set)", "repeated_header",
         "us_increments: planted"),
    Dirt("us_increments", "zero prices (planted: the batch that has them is not in the set)", "price_not_positive",
         "us_increments: planted"),
    # us_lean_sample
    Dirt("us_lean_sample", "prices times 10,000", "price_scale", "us_lean_sample: daily, as written", ("AAPL.US",
         "SPY.US")),
    Dirt("us_lean_sample", "raw prices: splits show", "unadjusted_split", "us_lean_sample: daily bars",
         ("AAPL.US 2014-06-09", "AAPL.US 2020-08-31")),
    Dirt("us_lean_sample", "class split and rename", "renamed_symbol", "us_lean_sample: map_files",
         ("GOOG.US", "GOOGL.US")),
    Dirt("us_lean_sample", "rename chain UW, WMI, WM", "renamed_symbol", "us_lean_sample: map_files", ("WM.US",)),
    Dirt("us_lean_sample", "reused tickers", "symbol_reuse", "us_lean_sample: daily bars", ("FB.US 2012-05-18",
         "USO.US 2006-04-10")),
    Dirt("us_lean_sample", "reused tickers, by the map files", "reused_symbol", "us_lean_sample: map_files",
         ("FB.US",)),
    Dirt("us_lean_sample", "QQQ traded as QQQQ for years", "history_hole", "us_lean_sample: daily bars",
         ("QQQ.US 2011-03-23",)),
    Dirt("us_lean_sample", "pre-market and after-hours bars", "off_session", "us_lean_sample: minute", ("SPY.US",
         "AAPL.US")),
    # us_minute
    Dirt("us_minute", "VIX never has volume", "no_volume", "us_minute: bars", ("VIX.US",), 1),
    Dirt("us_minute", "thinly traded names", "sparse_bars", "us_minute: bars", ("UGA.US", "PPLT.US")),
    Dirt("us_minute", "single minutes missing", "missing_bars", "us_minute: bars", ("SLV.US",)),
    Dirt("us_minute", "rows newest first", "newest_first", "us_minute: us_1min as a file"),
    Dirt("us_minute", "the 15-minute file is another delivery", "frequency_disagreement", "us_minute: bars",
         ("AAPL.US",)),
    Dirt("us_minute", "wrong time zone (planted: UTC read as New York)", "wrong_time_zone",
         "us_minute: five hours late", ("AAPL.US",)),
    # us_dirty_feed
    Dirt("us_dirty_feed", "JSON error bodies as rows", "error_body", "us_dirty_feed", ("TSLA.US", "ZTS.US", "NVDA.US")),
    Dirt("us_dirty_feed", "files with one 404 line", "error_body", "us_dirty_feed", ("BRK.B.US", "BF.B.US")),
    Dirt("us_dirty_feed", "a file that starts with JSON", "error_body", "us_dirty_feed", ("TSLA.US", "RJF.US",
         "ZTS.US")),
    Dirt("us_dirty_feed", "repeated dates", "conflicting_duplicate", "us_dirty_feed"),
    Dirt("us_dirty_feed", "a row of nulls", "null_row", "us_dirty_feed"),
    Dirt("us_dirty_feed", "later splits unadjusted", "unadjusted_split", "us_dirty_feed",
         ("AMZN.US 2022-06-06", "GOOGL.US", "TSLA.US 2022-08-25", "NVDA.US 2024-06-10", "CMG.US")),
    Dirt("us_dirty_feed", "adjusted close never restated", "frozen_adjustment", "us_dirty_feed",
         ("NVDA.US 2024-06-10",)),
    # cn_daily
    Dirt("cn_daily", "three forms of codes", "symbol_form", "cn_daily:", (), 2),
    Dirt("cn_daily", "halts are rows", "halted_row", "cn_daily: bars", (), 712),
    Dirt("cn_daily", "ex-right days", "ex_right", "cn_daily: bars", (), 1552),
    Dirt("cn_daily", "listing days", "listing_move", "cn_daily: bars", ("300832.SZ 2020-05-12",)),
    Dirt("cn_daily", "ST rows", "special_treatment", "cn_daily: bars", (), 1036),
    Dirt("cn_daily", "35 symbols list later", "late_start", "cn_daily: bars", (), 35),
    Dirt("cn_daily", "the last day is a crash of the market", "market_move", "cn_daily: bars", ("2025-04-07",)),
    Dirt("cn_daily", "price-to-book missing", "no_ratio", "cn_daily: ratios", (), 300),
    Dirt("cn_daily", "turnover in percent", "percent_not_ratio", "cn_daily: ratios", ("turnover",)),
    Dirt("cn_daily", "no factors of one name", "no_factor", "cn_daily: bars", ("601989.SH",), 1),
    Dirt("cn_daily", "full-width letters in names", "full_width_name", "cn_daily: stock_basic", ("000002.SZ",)),
    Dirt("cn_daily", "names with ST", "st_name", "cn_daily: stock_basic"),
    Dirt("cn_daily", "names without industry", "no_industry", "cn_daily: stock_basic", (), 5),
    Dirt("cn_daily", "an index that repeats another", "twin_series", "cn_daily: index_daily", ("000300.SH",), 1),
    Dirt("cn_daily", "change_pct in percent", "percent_not_ratio", "cn_daily: index_daily", ("change_pct",)),
    Dirt("cn_daily", "survivorship: members as of 2025-04", "survivorship", "cn_daily: csi300_membership"),
    Dirt("cn_daily", "292 members on 2025-04-07", "membership_count", "cn_daily: csi300_membership", ("292",)),
    # cn_qlib_native
    Dirt("cn_qlib_native", "back-adjusted prices", "adjusted_prices", "cn_qlib_native", ("600519.SH",)),
    Dirt("cn_qlib_native", "another scale than the raw prices", "source_scale", "cn_qlib_native", ("600519.SH",)),
    Dirt("cn_qlib_native", "change in percent", "percent_not_ratio", "cn_qlib_native", ("change",)),
    # crypto_minute
    Dirt("crypto_minute", "whole months missing", "missing_month", "crypto_minute: perp_1m",
         ("FILUSDT.CRYPTO", "NEARUSDT.CRYPTO")),
    Dirt("crypto_minute", "minutes without volume", "zero_volume", "crypto_minute: perp_1m", (), 196),
    Dirt("crypto_minute", "15 % within a minute", "large_bar", "crypto_minute: perp_1m", ("FILUSDT.CRYPTO",)),
    Dirt("crypto_minute", "the file of a month begins and ends outside it", "sparse_bars", "crypto_minute: btc_perp_1m",
         ("BTCUSDT.CRYPTO",)),
    # benchmarks
    Dirt("benchmarks", "a byte-order mark", "byte_order_mark", "benchmarks: spx_daily"),
    Dirt("benchmarks", "dates M/D/YYYY", "odd_dates", "benchmarks: spx_daily"),
    Dirt("benchmarks", "volume 0", "zero_volume", "benchmarks: spx_daily", (), 2215),
    Dirt("benchmarks", "prices adjusted for dividends", "adjusted_prices", "benchmarks: spy_daily", ("SPY.US",)),
    Dirt("benchmarks", "seven days a week", "seven_day_week", "benchmarks: btc_usd_daily", ("BTC-USD.US",)),
    Dirt("benchmarks", "open, high, low, close are one", "flat_bar", "benchmarks: vix_daily", ("VIX.US 1990-01-02",)),
    Dirt("benchmarks", "tenors that were not issued", "series_hole", "benchmarks: treasury_curves", ("30year",)),
    Dirt("benchmarks", "tenors that begin later", "series_start", "benchmarks: treasury_curves", ("1month", "20year")),
    Dirt("benchmarks", "time zone not stated", "zone_not_stated", "benchmarks: eurusd_hourly"),
)  # fmt: skip
"""What README files of the data sets say is wrong with them, and what was found besides."""
