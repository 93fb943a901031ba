"""Alpha101, the 101 Formulaic Alphas [1]_, as expressions.

Where the paper leaves room, this is the reading:

- *Days* that are no whole number are cut to one, as the paper says: `delta(x, 3.51013)` is `Delta(x, 3)`.
- *rank* is the average rank among the instruments of the session that have a value ÷ their count; *ts_rank* the same
  over the last d rows. Both lie in (0, 1], which terms like `1 - ts_rank(x)` ask for.
- *ts_argmax*, *ts_argmin*: the row of the window it is on, 1 the oldest, as `IdxMax` counts.
- *adv{d}*: average daily dollar volume, close × volume, so that a source without turnover has it, too. Alphas 7 and 21
  compare `volume` with `adv20`: shares with money as printed, which never changes; here both are money.
- *min*, *max* of two series are elementwise; in alpha 29, `min(x, 5)` is `ts_min`, the paper's alias.
- *sum(x, d)/d* is the mean, also where the window has missing rows; *signedpower(x, a)* is x to the power of a.
- *correlation* over two rows (alpha 45) is the product of the signs of both changes; so written, rounding cannot
  decide it.
- *IndClass* is the dated industry scheme of the lake: `$sector`, `$industry`, `$subindustry`; *cap* is `$market_cap`.
- Missing values are treated as everywhere in the language: windows use the rows that have a value, comparisons with a
  missing value are false, `IdxMax` of a window with one points at it.

References
----------
.. [1] Z. Kakushadze, *101 Formulaic Alphas*, 2015, arXiv:1601.00991, appendix A.
"""

import re

__all__ = ["ALPHA101", "alpha101"]

_WORDS = {
    "RETURNS": "($close/Ref($close, 1) - 1)",
    "DOLLARS": "($close*$volume)",
    "MIDDLE": "(($high + $low)/2)",
    "FLOW": "(($close - $low - ($high - $close))/($high - $low)*$volume)",
    "BEND": "((Ref($close, 20) - Ref($close, 10))/10 - (Ref($close, 10) - $close)/10)",
    "TREND": "If(Min(Delta($close, 1), {d}) > 0, Delta($close, 1), "
    "If(Max(Delta($close, 1), {d}) < 0, Delta($close, 1), -Delta($close, 1)))",
    "ADV": "Mean($close*$volume, {d})",
}
# what several alphas say, spelled out below; {d} is the number behind the word

_MIX = re.compile(r"MIX\((\$?\w+), ([\d.]+), (\$\w+)\)")  # the first with that weight, the second with the rest
_CHANGES = "(Delta({x}, 1)*Delta({y}, 1))"
_SIGN2 = f"({_CHANGES}/Abs{_CHANGES})"  # correlation over two rows; NaN where one does not move

_TEXTS = (
    "CSRank(IdxMax(If(RETURNS < 0, Std(RETURNS, 20), $close)**2, 5)) - 0.5",
    "-Corr(CSRank(Delta(Log($volume), 2)), CSRank(($close - $open)/$open), 6)",
    "-Corr(CSRank($open), CSRank($volume), 10)",
    "-Rank(CSRank($low), 9)",
    "CSRank($open - Mean($vwap, 10))*-Abs(CSRank($close - $vwap))",
    "-Corr($open, $volume, 10)",
    "If(ADV20 < DOLLARS, -Rank(Abs(Delta($close, 7)), 60)*Sign(Delta($close, 7)), -1)",
    "-CSRank(Delta(Sum($open, 5)*Sum(RETURNS, 5), 10))",
    "TREND5",
    "CSRank(TREND4)",
    # 11
    "(CSRank(Max($vwap - $close, 3)) + CSRank(Min($vwap - $close, 3)))*CSRank(Delta($volume, 3))",
    "Sign(Delta($volume, 1))*-Delta($close, 1)",
    "-CSRank(Cov(CSRank($close), CSRank($volume), 5))",
    "-CSRank(Delta(RETURNS, 3))*Corr($open, $volume, 10)",
    "-Sum(CSRank(Corr(CSRank($high), CSRank($volume), 3)), 3)",
    "-CSRank(Cov(CSRank($high), CSRank($volume), 5))",
    "-CSRank(Rank($close, 10))*CSRank(Delta(Delta($close, 1), 1))*CSRank(Rank($volume/ADV20, 5))",
    "-CSRank(Std(Abs($close - $open), 5) + ($close - $open) + Corr($close, $open, 10))",
    "-Sign($close - Ref($close, 7) + Delta($close, 7))*(1 + CSRank(1 + Sum(RETURNS, 250)))",
    "-CSRank($open - Ref($high, 1))*CSRank($open - Ref($close, 1))*CSRank($open - Ref($low, 1))",
    # 21
    "If(Mean($close, 8) + Std($close, 8) < Mean($close, 2), -1, "
    "If(Mean($close, 2) < Mean($close, 8) - Std($close, 8), 1, If(DOLLARS/ADV20 >= 1, 1, -1)))",
    "-Delta(Corr($high, $volume, 5), 5)*CSRank(Std($close, 20))",
    "If(Mean($high, 20) < $high, -Delta($high, 2), 0)",
    "If(Delta(Mean($close, 100), 100)/Ref($close, 100) <= 0.05, -($close - Min($close, 100)), -Delta($close, 3))",
    "CSRank(-RETURNS*ADV20*$vwap*($high - $close))",
    "-Max(Corr(Rank($volume, 5), Rank($high, 5), 5), 3)",
    "If(CSRank(Mean(Corr(CSRank($volume), CSRank($vwap), 6), 2)) > 0.5, -1, 1)",
    "CSScale(Corr(ADV20, $low, 5) + MIDDLE - $close)",
    "Min(Prod(CSRank(CSRank(CSScale(Log(Sum(Min(CSRank(CSRank(-CSRank(Delta($close - 1, 5)))), 2), 1))))), 1), 5)"
    " + Rank(Ref(-RETURNS, 6), 5)",
    "(1 - CSRank(Sign($close - Ref($close, 1)) + Sign(Ref($close, 1) - Ref($close, 2))"
    " + Sign(Ref($close, 2) - Ref($close, 3))))*Sum($volume, 5)/Sum($volume, 20)",
    # 31
    "CSRank(CSRank(CSRank(DecayLinear(-CSRank(CSRank(Delta($close, 10))), 10)))) + CSRank(-Delta($close, 3))"
    " + Sign(CSScale(Corr(ADV20, $low, 12)))",
    "CSScale(Mean($close, 7) - $close) + 20*CSScale(Corr($vwap, Ref($close, 5), 230))",
    "CSRank(-(1 - $open/$close)**1)",
    "CSRank(1 - CSRank(Std(RETURNS, 2)/Std(RETURNS, 5)) + (1 - CSRank(Delta($close, 1))))",
    "Rank($volume, 32)*(1 - Rank($close + $high - $low, 16))*(1 - Rank(RETURNS, 32))",
    "2.21*CSRank(Corr($close - $open, Ref($volume, 1), 15)) + 0.7*CSRank($open - $close)"
    " + 0.73*CSRank(Rank(Ref(-RETURNS, 6), 5)) + CSRank(Abs(Corr($vwap, ADV20, 6)))"
    " + 0.6*CSRank((Mean($close, 200) - $open)*($close - $open))",
    "CSRank(Corr(Ref($open - $close, 1), $close, 200)) + CSRank($open - $close)",
    "-CSRank(Rank($close, 10))*CSRank($close/$open)",
    "-CSRank(Delta($close, 7)*(1 - CSRank(DecayLinear($volume/ADV20, 9))))*(1 + CSRank(Sum(RETURNS, 250)))",
    "-CSRank(Std($high, 10))*Corr($high, $volume, 10)",
    # 41
    "($high*$low)**0.5 - $vwap",
    "CSRank($vwap - $close)/CSRank($vwap + $close)",
    "Rank($volume/ADV20, 20)*Rank(-Delta($close, 7), 8)",
    "-Corr($high, CSRank($volume), 5)",
    f"-(CSRank(Mean(Ref($close, 5), 20))*{_SIGN2}*CSRank(".format(x="$close", y="$volume")
    + f"{_SIGN2}))".format(x="Sum($close, 5)", y="Sum($close, 20)"),
    "If(BEND > 0.25, -1, If(BEND < 0, 1, -($close - Ref($close, 1))))",
    "CSRank(1/$close)*$volume/ADV20*($high*CSRank($high - $close)/Mean($high, 5)) - CSRank($vwap - Ref($vwap, 5))",
    "CSNeutralize(Corr(Delta($close, 1), Delta(Ref($close, 1), 1), 250)*Delta($close, 1)/$close, $subindustry)"
    "/Sum((Delta($close, 1)/Ref($close, 1))**2, 250)",
    "If(BEND < -0.1, 1, -($close - Ref($close, 1)))",
    "-Max(CSRank(Corr(CSRank($volume), CSRank($vwap), 5)), 5)",
    # 51
    "If(BEND < -0.05, 1, -($close - Ref($close, 1)))",
    "(-Min($low, 5) + Ref(Min($low, 5), 5))*CSRank((Sum(RETURNS, 240) - Sum(RETURNS, 20))/220)*Rank($volume, 5)",
    "-Delta(($close - $low - ($high - $close))/($close - $low), 9)",
    "-(($low - $close)*$open**5)/(($low - $high)*$close**5)",
    "-Corr(CSRank(($close - Min($low, 12))/(Max($high, 12) - Min($low, 12))), CSRank($volume), 6)",
    "-(CSRank(Sum(RETURNS, 10)/Sum(Sum(RETURNS, 2), 3))*CSRank(RETURNS*$market_cap))",
    "-(($close - $vwap)/DecayLinear(CSRank(IdxMax($close, 30)), 2))",
    "-Rank(DecayLinear(Corr(CSNeutralize($vwap, $sector), $volume, 3), 7), 5)",
    "-Rank(DecayLinear(Corr(CSNeutralize(MIX($vwap, 0.728317, $vwap), $industry), $volume, 4), 16), 8)",
    "-(2*CSScale(CSRank(FLOW)) - CSScale(CSRank(IdxMax($close, 10))))",
    # 61
    "CSRank($vwap - Min($vwap, 16)) < CSRank(Corr($vwap, ADV180, 17))",
    "-(CSRank(Corr($vwap, Sum(ADV20, 22), 9))"
    " < CSRank(CSRank($open) + CSRank($open) < CSRank(MIDDLE) + CSRank($high)))",
    "-(CSRank(DecayLinear(Delta(CSNeutralize($close, $industry), 2), 8))"
    " - CSRank(DecayLinear(Corr(MIX($vwap, 0.318108, $open), Sum(ADV180, 37), 13), 12)))",
    "-(CSRank(Corr(Sum(MIX($open, 0.178404, $low), 12), Sum(ADV120, 12), 16))"
    " < CSRank(Delta(MIX(MIDDLE, 0.178404, $vwap), 3)))",
    "-(CSRank(Corr(MIX($open, 0.00817205, $vwap), Sum(ADV60, 8), 6)) < CSRank($open - Min($open, 13)))",
    "-(CSRank(DecayLinear(Delta($vwap, 3), 7))"
    " + Rank(DecayLinear((MIX($low, 0.96633, $low) - $vwap)/($open - MIDDLE), 11), 6))",
    "-(CSRank($high - Min($high, 2))"
    "**CSRank(Corr(CSNeutralize($vwap, $sector), CSNeutralize(ADV20, $subindustry), 6)))",
    "-(Rank(Corr(CSRank($high), CSRank(ADV15), 8), 13) < CSRank(Delta(MIX($close, 0.518371, $low), 1)))",
    "-(CSRank(Max(Delta(CSNeutralize($vwap, $industry), 2), 4))"
    "**Rank(Corr(MIX($close, 0.490655, $vwap), ADV20, 4), 9))",
    "-(CSRank(Delta($vwap, 1))**Rank(Corr(CSNeutralize($close, $industry), ADV50, 17), 17))",
    # 71
    "Greater(Rank(DecayLinear(Corr(Rank($close, 3), Rank(ADV180, 12), 18), 4), 15),"
    " Rank(DecayLinear(CSRank($low + $open - ($vwap + $vwap))**2, 16), 4))",
    "CSRank(DecayLinear(Corr(MIDDLE, ADV40, 8), 10))"
    "/CSRank(DecayLinear(Corr(Rank($vwap, 3), Rank($volume, 18), 6), 2))",
    "-Greater(CSRank(DecayLinear(Delta($vwap, 4), 2)),"
    " Rank(DecayLinear(-(Delta(MIX($open, 0.147155, $low), 2)/MIX($open, 0.147155, $low)), 3), 16))",
    "-(CSRank(Corr($close, Sum(ADV30, 37), 15))"
    " < CSRank(Corr(CSRank(MIX($high, 0.0261661, $vwap)), CSRank($volume), 11)))",
    "CSRank(Corr($vwap, $volume, 4)) < CSRank(Corr(CSRank($low), CSRank(ADV50), 12))",
    "-Greater(CSRank(DecayLinear(Delta($vwap, 1), 11)),"
    " Rank(DecayLinear(Rank(Corr(CSNeutralize($low, $sector), ADV81, 8), 19), 17), 19))",
    "Less(CSRank(DecayLinear(MIDDLE + $high - ($vwap + $high), 20)), CSRank(DecayLinear(Corr(MIDDLE, ADV40, 3), 5)))",
    "CSRank(Corr(Sum(MIX($low, 0.352233, $vwap), 19), Sum(ADV40, 19), 6))"
    "**CSRank(Corr(CSRank($vwap), CSRank($volume), 5))",
    "CSRank(Delta(CSNeutralize(MIX($close, 0.60733, $open), $sector), 1))"
    " < CSRank(Corr(Rank($vwap, 3), Rank(ADV150, 9), 14))",
    "-(CSRank(Sign(Delta(CSNeutralize(MIX($open, 0.868128, $high), $industry), 4)))**Rank(Corr($high, ADV10, 5), 5))",
    # 81
    "-(CSRank(Log(Prod(CSRank(CSRank(Corr($vwap, Sum(ADV10, 49), 8))**4), 14)))"
    " < CSRank(Corr(CSRank($vwap), CSRank($volume), 5)))",
    "-Less(CSRank(DecayLinear(Delta($open, 1), 14)),"
    " Rank(DecayLinear(Corr(CSNeutralize($volume, $sector), MIX($open, 0.634196, $open), 17), 6), 13))",
    "CSRank(Ref(($high - $low)/Mean($close, 5), 2))*CSRank(CSRank($volume))"
    "/((($high - $low)/Mean($close, 5))/($vwap - $close))",
    "Rank($vwap - Max($vwap, 15), 20)**Delta($close, 4)",
    "CSRank(Corr(MIX($high, 0.876703, $close), ADV30, 9))**CSRank(Corr(Rank(MIDDLE, 3), Rank($volume, 10), 7))",
    "-(Rank(Corr($close, Sum(ADV20, 14), 6), 20) < CSRank($open + $close - ($vwap + $open)))",
    "-Greater(CSRank(DecayLinear(Delta(MIX($close, 0.369701, $vwap), 1), 2)),"
    " Rank(DecayLinear(Abs(Corr(CSNeutralize(ADV81, $industry), $close, 13)), 4), 14))",
    "Less(CSRank(DecayLinear(CSRank($open) + CSRank($low) - (CSRank($high) + CSRank($close)), 8)),"
    " Rank(DecayLinear(Corr(Rank($close, 8), Rank(ADV60, 20), 8), 6), 2))",
    "Rank(DecayLinear(Corr(MIX($low, 0.967285, $low), ADV10, 6), 5), 3)"
    " - Rank(DecayLinear(Delta(CSNeutralize($vwap, $industry), 3), 10), 15)",
    "-(CSRank($close - Max($close, 4))**Rank(Corr(CSNeutralize(ADV40, $subindustry), $low, 5), 3))",
    # 91
    "-(Rank(DecayLinear(DecayLinear(Corr(CSNeutralize($close, $industry), $volume, 9), 16), 3), 4)"
    " - CSRank(DecayLinear(Corr($vwap, ADV30, 4), 2)))",
    "Less(Rank(DecayLinear(MIDDLE + $close < $low + $open, 14), 18),"
    " Rank(DecayLinear(Corr(CSRank($low), CSRank(ADV30), 7), 6), 6))",
    "Rank(DecayLinear(Corr(CSNeutralize($vwap, $industry), ADV81, 17), 19), 7)"
    "/CSRank(DecayLinear(Delta(MIX($close, 0.524434, $vwap), 2), 16))",
    "-(CSRank($vwap - Min($vwap, 11))**Rank(Corr(Rank($vwap, 19), Rank(ADV60, 4), 18), 2))",
    "CSRank($open - Min($open, 12)) < Rank(CSRank(Corr(Sum(MIDDLE, 19), Sum(ADV40, 19), 12))**5, 11)",
    "-Greater(Rank(DecayLinear(Corr(CSRank($vwap), CSRank($volume), 3), 4), 8),"
    " Rank(DecayLinear(IdxMax(Corr(Rank($close, 7), Rank(ADV60, 4), 3), 12), 14), 13))",
    "-(CSRank(DecayLinear(Delta(CSNeutralize(MIX($low, 0.721001, $vwap), $industry), 3), 20))"
    " - Rank(DecayLinear(Rank(Corr(Rank($low, 7), Rank(ADV60, 17), 4), 18), 15), 6))",
    "CSRank(DecayLinear(Corr($vwap, Sum(ADV5, 26), 4), 7))"
    " - CSRank(DecayLinear(Rank(IdxMin(Corr(CSRank($open), CSRank(ADV15), 20), 8), 6), 8))",
    "-(CSRank(Corr(Sum(MIDDLE, 19), Sum(ADV60, 19), 8)) < CSRank(Corr($low, $volume, 6)))",
    "-((1.5*CSScale(CSNeutralize(CSNeutralize(CSRank(FLOW), $subindustry), $subindustry))"
    " - CSScale(CSNeutralize(Corr($close, CSRank(ADV20), 5) - CSRank(IdxMin($close, 30)), $subindustry)))"
    "*($volume/ADV20))",
    # 101
    "($close - $open)/($high - $low + 0.001)",
)


def _spelled_out(text: str) -> str:
    text = _MIX.sub(lambda m: f"({m[1]}*{m[2]} + {m[3]}*(1 - {m[2]}))", text)
    word = re.compile(rf"\b({'|'.join(_WORDS)})(\d*)\b")
    return word.sub(lambda m: _WORDS[m[1]].replace("{d}", m[2]), text)


def alpha101() -> dict[str, str]:
    """Build the set.

    Returns
    -------
    dict of str to str
        `ALPHA001` to `ALPHA101` and their expressions. Besides bars they read `$market_cap` (alpha 56), `$sector`,
        `$industry` and `$subindustry`.
    """
    return {f"ALPHA{number:03}": _spelled_out(text) for number, text in enumerate(_TEXTS, start=1)}


ALPHA101: dict[str, str] = alpha101()
"""The set, built once."""
