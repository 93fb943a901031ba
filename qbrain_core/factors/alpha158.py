"""Alpha158, the factor set of Qlib's benchmarks [1]_, as expressions.

References
----------
.. [1] `qlib.contrib.data.loader.Alpha158DL.get_feature_config` with the configuration of
   `qlib.contrib.data.handler.Alpha158`, pyqlib 0.9.7; names and order are the same.
"""

__all__ = ["ALPHA158", "WINDOWS", "alpha158"]

WINDOWS = (5, 10, 20, 30, 60)
"""Rows in each rolling factor's window."""

_KBAR = {
    "KMID": "($close-$open)/$open",
    "KLEN": "($high-$low)/$open",
    "KMID2": "($close-$open)/($high-$low+1e-12)",
    "KUP": "($high-Greater($open, $close))/$open",
    "KUP2": "($high-Greater($open, $close))/($high-$low+1e-12)",
    "KLOW": "(Less($open, $close)-$low)/$open",
    "KLOW2": "(Less($open, $close)-$low)/($high-$low+1e-12)",
    "KSFT": "(2*$close-$high-$low)/$open",
    "KSFT2": "(2*$close-$high-$low)/($high-$low+1e-12)",
}
_PRICE = {f"{name.upper()}0": f"${name}/$close" for name in ("open", "high", "low", "vwap")}

_UP = "Sum(Greater({x}-Ref({x}, 1), 0), {d})"
_DOWN = "Sum(Greater(Ref({x}, 1)-{x}, 0), {d})"
_MOVED = "(Sum(Abs({x}-Ref({x}, 1)), {d})+1e-12)"
_CHANGE = "Abs($close/Ref($close, 1)-1)*$volume"

_ROLLING = {
    "ROC": "Ref($close, {d})/$close",
    "MA": "Mean($close, {d})/$close",
    "STD": "Std($close, {d})/$close",
    "BETA": "Slope($close, {d})/$close",
    "RSQR": "Rsquare($close, {d})",
    "RESI": "Resi($close, {d})/$close",
    "MAX": "Max($high, {d})/$close",
    "MIN": "Min($low, {d})/$close",
    "QTLU": "Quantile($close, {d}, 0.8)/$close",
    "QTLD": "Quantile($close, {d}, 0.2)/$close",
    "RANK": "Rank($close, {d})",
    "RSV": "($close-Min($low, {d}))/(Max($high, {d})-Min($low, {d})+1e-12)",
    "IMAX": "IdxMax($high, {d})/{d}",
    "IMIN": "IdxMin($low, {d})/{d}",
    "IMXD": "(IdxMax($high, {d})-IdxMin($low, {d}))/{d}",
    "CORR": "Corr($close, Log($volume+1), {d})",
    "CORD": "Corr($close/Ref($close,1), Log($volume/Ref($volume, 1)+1), {d})",
    "CNTP": "Mean($close>Ref($close, 1), {d})",
    "CNTN": "Mean($close<Ref($close, 1), {d})",
    "CNTD": "Mean($close>Ref($close, 1), {d})-Mean($close<Ref($close, 1), {d})",
    "SUMP": f"{_UP}/{_MOVED}".replace("{x}", "$close"),
    "SUMN": f"{_DOWN}/{_MOVED}".replace("{x}", "$close"),
    "SUMD": f"({_UP}-{_DOWN})/{_MOVED}".replace("{x}", "$close"),
    "VMA": "Mean($volume, {d})/($volume+1e-12)",
    "VSTD": "Std($volume, {d})/($volume+1e-12)",
    "WVMA": f"Std({_CHANGE}, {{d}})/(Mean({_CHANGE}, {{d}})+1e-12)",
    "VSUMP": f"{_UP}/{_MOVED}".replace("{x}", "$volume"),
    "VSUMN": f"{_DOWN}/{_MOVED}".replace("{x}", "$volume"),
    "VSUMD": f"({_UP}-{_DOWN})/{_MOVED}".replace("{x}", "$volume"),
}


def alpha158() -> dict[str, str]:
    """Build the set.

    Returns
    -------
    dict of str to str
        158 factor names and their expressions, in Qlib's order.
    """
    rolling = {f"{name}{d}": text.replace("{d}", str(d)) for name, text in _ROLLING.items() for d in WINDOWS}
    return {**_KBAR, **_PRICE, **rolling}


ALPHA158: dict[str, str] = alpha158()
"""The set, built once."""
