"""What each operator means, in a phrase of English and of Chinese, with its arguments as {0}, {1}, {2}.

A window reads "5 rows", a shift "5 rows earlier"; see `sentence`.
"""

from typing import Literal, TypeAlias

__all__ = ["FIELD_WORDS", "NOTES", "WORDS", "Language"]

Language: TypeAlias = Literal["en", "zh"]
"""Languages a tree can be put into words in."""

WORDS: dict[str, dict[Language, str]] = {
    name: {"en": english, "zh": chinese}
    for name, english, chinese in (
        ("Or", "{0} or {1}", "{0}或{1}"),
        ("And", "{0} and {1}", "{0}且{1}"),
        ("Gt", "{0} is above {1}", "{0}大于{1}"),
        ("Ge", "{0} is at least {1}", "{0}不小于{1}"),
        ("Lt", "{0} is below {1}", "{0}小于{1}"),
        ("Le", "{0} is at most {1}", "{0}不大于{1}"),
        ("Eq", "{0} equals {1}", "{0}等于{1}"),
        ("Ne", "{0} differs from {1}", "{0}不等于{1}"),
        ("Add", "{0} plus {1}", "{0}加{1}"),
        ("Sub", "{0} minus {1}", "{0}减{1}"),
        ("Mul", "{0} times {1}", "{0}乘以{1}"),
        ("Div", "{0} divided by {1}", "{0}除以{1}"),
        ("Power", "{0} to the power {1}", "{0}的{1}次方"),
        ("Not", "not: {0}", "并非：{0}"),
        ("Greater", "the greater of {0} and {1}", "{0}与{1}中较大者"),
        ("Less", "the smaller of {0} and {1}", "{0}与{1}中较小者"),
        ("If", "{1} where {0}, else {2}", "若{0}则取{1}，否则取{2}"),
        ("Abs", "the absolute value of {0}", "{0}的绝对值"),
        ("Log", "the natural logarithm of {0}", "{0}的自然对数"),
        ("Sign", "the sign of {0}", "{0}的符号"),
        ("Ref", "{0} {1}", "{1}的{0}"),
        ("Delta", "the change of {0} from its value {1}", "{0}相对{1}的变化量"),
        ("Mean", "the mean of {0} over {1}", "{0}在{1}内的均值"),
        ("Sum", "the sum of {0} over {1}", "{0}在{1}内之和"),
        ("Std", "the standard deviation of {0} over {1}", "{0}在{1}内的标准差"),
        ("Var", "the variance of {0} over {1}", "{0}在{1}内的方差"),
        ("Max", "the highest {0} over {1}", "{0}在{1}内的最大值"),
        ("Min", "the lowest {0} over {1}", "{0}在{1}内的最小值"),
        ("Med", "the median of {0} over {1}", "{0}在{1}内的中位数"),
        ("Mad", "the mean absolute deviation of {0} over {1}", "{0}在{1}内的平均绝对偏差"),
        ("Rank", "the rank of {0} among {1}", "{0}在{1}内的排名"),
        ("Count", "the number of values of {0} in {1}", "{0}在{1}内的有效个数"),
        ("IdxMax", "the place of the highest {0} in {1}", "{0}在{1}内最大值的位置"),
        ("IdxMin", "the place of the lowest {0} in {1}", "{0}在{1}内最小值的位置"),
        ("Slope", "the slope of a line through {0} over {1}", "{0}在{1}内线性回归的斜率"),
        ("Rsquare", "how well a line fits {0} over {1} (R²)", "{0}在{1}内线性回归的 R²"),
        ("Resi", "the distance of {0} from a line through {1}", "{0}相对{1}内线性回归的残差"),
        ("WMA", "the linearly weighted mean of {0} over {1}", "{0}在{1}内的线性加权均值"),
        ("Skew", "the skewness of {0} over {1}", "{0}在{1}内的偏度"),
        ("Kurt", "the excess kurtosis of {0} over {1}", "{0}在{1}内的超额峰度"),
        ("EMA", "the exponential mean of {0} with {1}", "{0}的指数均值（{1}）"),
        ("Quantile", "the {2} quantile of {0} over {1}", "{0}在{1}内的 {2} 分位数"),
        ("Corr", "the correlation of {0} and {1} over {2}", "{0}与{1}在{2}内的相关系数"),
        ("Cov", "the covariance of {0} and {1} over {2}", "{0}与{1}在{2}内的协方差"),
        ("TResample", "the {2} of {0} over the {1} so far", "{0}在{1}至今的 {2}"),
        ("ChangeInstrument", "of {0}: {1}", "{0} 的{1}"),
        ("Mask", "of {1}: {0}", "{1} 的{0}"),
        ("P", "from the reports known by then: {0}", "按当时已公布的报告：{0}"),
        ("PRef", "from the report of {1}, as known by then: {0}", "按当时已公布的 {1} 报告：{0}"),
        ("Exp", "e to the power {0}", "e 的{0}次方"),
        ("Sqrt", "the square root of {0}", "{0}的平方根"),
        ("Prod", "the product of {0} over {1}", "{0}在{1}内之积"),
        ("DecayLinear", "the mean of {0} over {1}, the newest weighing most", "{0}在{1}内按时间线性衰减的加权均值"),
        ("CSRank", "the rank of {0} among the session's instruments", "{0}在当日全部标的中的排名"),
        ("CSZScore", "{0} standardised over the session's instruments", "{0}的当日横截面标准化值"),
        ("CSDemean", "{0} less its mean over the session's instruments", "{0}减去当日横截面均值"),
        ("CSScale", "{0} scaled so that its sizes add up to {1} over the session", "{0}缩放至当日绝对值之和为 {1}"),
        (
            "CSWinsorize",
            "{0} drawn in to {1} robust deviations around the session's median",
            "{0}缩尾至当日中位数 ± {1} 倍稳健标准差",
        ),
        (
            "CSNeutralize",
            "what is left of {0} once {1} is accounted for over the session",
            "{0}对{1}做当日横截面中性化后的残差",
        ),
    )
}
"""Phrase of each operator but TA-Lib's, which are called by TA-Lib's own name of the function."""

FIELD_WORDS = {
    "open": "开盘价", "high": "最高价", "low": "最低价", "close": "收盘价", "volume": "成交量", "vwap": "成交均价",
    "amount": "成交额", "factor": "复权因子", "turnover": "换手率", "sector": "板块", "industry": "行业",
    "subindustry": "子行业", "market_cap": "总市值", "float_market_cap": "流通市值", "pe": "市盈率", "pb": "市净率",
    "ps": "市销率", "pcf": "市现率", "dividend_yield": "股息率", "benchmark_open": "基准开盘点位",
    "benchmark_high": "基准最高点位", "benchmark_low": "基准最低点位", "benchmark_close": "基准收盘点位",
    "benchmark_volume": "基准成交量", "benchmark_return": "基准收益率",
}  # fmt: skip
"""Chinese names of fields; others are called by their own."""

NOTES = {
    "Gt": "False where either side is missing; so are all comparisons but `!=`, which is true there.",
    "Add": "With one condition and one number, the condition counts as 0 or 1.",
    "Div": "By 0: infinite, or missing for 0 ÷ 0.",
    "Greater": "Missing where either side is.",
    "Less": "Missing where either side is.",
    "If": "A condition counts as 0 or 1 where it is an outcome.",
    "Log": "Missing below 0, minus infinity at 0.",
    "Sqrt": "Missing below 0.",
    "Ref": "`N = 0`: the instrument's first value. Negative `N` looks ahead and is refused outside labels.",
    "Delta": "`N = 0`: against the instrument's first value. Negative `N` looks ahead and is refused outside labels.",
    "Mean": "One value in the window suffices, as for all windows. A fraction as `N` makes it `EMA`, as in Qlib.",
    "Std": "Divides by n - 1; two values needed.",
    "Var": "Divides by n - 1; two values needed.",
    "Rank": "Average rank ÷ count, in (0, 1]; missing where the last value is.",
    "IdxMax": "1 is the oldest row of the window; a missing value in the window wins.",
    "IdxMin": "1 is the oldest row of the window; a missing value in the window wins.",
    "Slope": "Rows count 1 … N; missing values are left out.",
    "Rsquare": "Missing where the window's standard deviation is 2e-5 or less.",
    "Resi": "At the last row.",
    "WMA": "Qlib's: the weights 1 … N add up to 1 and the weighted values are averaged, so it is 1/N of the usual one.",
    "Skew": "`N` at least 3.",
    "Kurt": "`N` at least 4.",
    "EMA": "Span `N` rows, or a smoothing factor between 0 and 1.",
    "Quantile": "Linear between values.",
    "Corr": "Over rows that have both; missing where either's standard deviation is 2e-5 or less.",
    "Cov": "Over rows that have both; divides by n - 1.",
    "TResample": (
        "Of the calendar's day, week (Monday to Sunday), month, quarter or year up to this row; `func` is first, last, "
        "min, max, sum, mean, median, std, var, count or prod. On a span's last row it is what pandas' resample gives."
    ),
    "Mask": "`ChangeInstrument` the other way round.",
    "ChangeInstrument": "On sessions that both have.",
    "P": "The expression runs over the report periods known at each session, latest last; that last value counts.",
    "PRef": "Missing until the report is known.",
    "Prod": "Missing values are left out.",
    "DecayLinear": (
        "Weights N, N - 1, … of the rows that have values add up to 1; Qlib's `WMA` divides by their number once more."
    ),
    "CSRank": "Average rank ÷ count, in (0, 1].",
    "CSZScore": "Sample deviation (n - 1); missing where it is 0.",
    "CSScale": "Missing where all values are 0.",
    "CSWinsorize": "A robust deviation is 1.4826 × the median distance from the median; where that is 0, all stay.",
    "CSNeutralize": (
        "Residual of least squares on a constant, the numbers and a dummy for each group; with one group alone the "
        "distance from the group's mean. Missing where any regressor is."
    ),
}
"""What else to know of an operator, for the reference."""
