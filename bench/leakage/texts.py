"""Leaks written as expressions."""

from bench.leakage.planted import Leak

__all__ = ["TEXTS"]

_TEXTS = {
    "tomorrow's close over today's": "Ref($close, -1)/$close - 1",
    "the label itself": "Ref($close, -2)/Ref($close, -1) - 1",
    "tomorrow's open gap": "Ref($open, -1)/$close - 1",
    "tomorrow's range": "(Ref($high, -1) - Ref($low, -1))/$close",
    "tomorrow's volume": "Ref($volume, -1)/($volume + 1)",
    "change to five sessions later": "Delta($close, -5)",
    "the high of the next five sessions": "Max(Ref($high, -5), 5)/$close",
    "the low of the next ten sessions": "Min(Ref($low, -10), 10)/$close",
    "mean of the next twenty closes": "Mean(Ref($close, -20), 20)/$close",
    "centred mean over eleven sessions": "Mean(Ref($close, -5), 11)/$close",
    "centred deviation over twenty-one sessions": "Std(Ref($close, -10), 21)/$close",
    "centred rank over seven sessions": "Rank(Ref($close, -3), 7)",
    "centred slope": "Slope(Ref($close, -2), 5)/$close",
    "future deviation of returns": "Std(Ref($close/Ref($close, 1) - 1, -20), 20)",
    "correlation with tomorrow's volume": "Corr($close, Ref($volume, -1), 10)",
    "covariance of return and the next one": "Cov($close/Ref($close, 1), Ref($close, -1)/$close, 20)",
    "the future where today is up, else the past":
    "If($close > Ref($close, 1), Ref($close, -1), Ref($close, 1))/$close",
    "whether tomorrow closes higher": "If(Ref($close, -1) > $close, 1, 0)",
    "share of the next five sessions that close higher": "Mean(Ref($close, -5) > Ref($close, -4), 5)",
    "a little of tomorrow mixed into yesterday": "0.999*Ref($close, 1)/$close + 0.001*Ref($close, -1)/$close",
    "tomorrow's sign only": "Sign(Ref($close, -1) - $close)",
    "two steps ahead and one back": "Ref(Ref($close, -2), 1)/$close",
    "an average that decays from the future": "EMA(Ref($close, -3), 5)/$close",
    "weighted mean one session late": "WMA(Ref($close, -1), 10)/$close",
    "quantile over the next sessions": "Quantile(Ref($close, -8), 8, 0.9)/$close",
    "where the high of the next ten sessions lies": "IdxMax(Ref($high, -10), 10)/10",
    "residual of a line that ends tomorrow": "Resi(Ref($close, -1), 10)/$close",
    "fit of a line through the future": "Rsquare(Ref($close, -10), 10)",
    "larger of today's close and tomorrow's": "Greater($close, Ref($close, -1))/$close",
    "days ahead only when it crashes": "If(Ref($close, -1) < 0.93*$close, 1, 0)",
    "days ahead only when it jumps": "If(Ref($close, -3) > 1.15*$close, 1, 0)*$volume",
    "next session's return squared": "Power(Ref($close, -1)/$close - 1, 2)",
    "log of the return to come": "Log(Ref($close, -5)/$close)",
    "the benchmark of tomorrow": "Ref($benchmark_close, -1)/$benchmark_close - 1",
    "the size of next month": "Ref($market_cap, -20)/$market_cap",
    "rank within the session of tomorrow's return": "CSRank(Ref($close, -1)/$close)",
    "tomorrow's return less its industry's": "CSNeutralize(Ref($close, -1)/$close, $industry)",
    "trend of the next sessions by TA-Lib": "TA_RSI(Ref($close, -14), 14)",
}  # fmt: skip

TEXTS = tuple(Leak("expressions", words, "expression", text) for words, text in _TEXTS.items())
