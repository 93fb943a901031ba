"""What somebody may have meant by a name that is no operator."""

from qbrain_core.errors import suggest
from qbrain_core.factors.operators import OPERATORS, ROLLING_FUNCTIONS

__all__ = ["not_an_operator"]

_LONGEST = 40  # characters of a name worth comparing
_FAMILIAR = {
    "delay": "Ref($close, n)", "lag": "Ref($close, n)", "shift": "Ref($close, n)", "ts_mean": "Mean(x, n)",
    "ts_sum": "Sum(x, n)", "ts_max": "Max(x, n)", "ts_min": "Min(x, n)", "ts_rank": "Rank(x, n)",
    "ts_argmax": "IdxMax(x, n)", "ts_argmin": "IdxMin(x, n)", "stddev": "Std(x, n)", "ts_std": "Std(x, n)",
    "correlation": "Corr(x, y, n)", "covariance": "Cov(x, y, n)", "decay_linear": "DecayLinear(x, n)",
    "product": "Prod(x, n)", "rank": "CSRank(x) across the session, Rank(x, n) over rows", "scale": "CSScale(x, a)",
    "zscore": "CSZScore(x)", "indneutralize": "CSNeutralize(x, $industry)", "neutralize": "CSNeutralize(x, $industry)",
    "winsorize": "CSWinsorize(x, n)", "signedpower": "Sign(x)*Abs(x)**a", "ln": "Log(x)",
    "where": "If(condition, x, y)", "avg": "Mean(x, n)", "average": "Mean(x, n)", "sma": "Mean(x, n) or TA_SMA(x, n)",
    "not": "Not(…) or ~(…)", "true": "a comparison such as $close > 0", "false": "a comparison such as $close < 0",
    "maximum": "Greater(x, y)", "minimum": "Less(x, y)", "pow": "x**a", "adv20": "Mean($amount, 20)",
    "returns": "$close/Ref($close, 1) - 1", "pct_change": "$close/Ref($close, n) - 1",
}  # fmt: skip
# names from other languages of the field, in lower case


def not_an_operator(name: str, *, called: bool) -> str:
    """Say that a name is no operator, and what was perhaps meant.

    Parameters
    ----------
    name : str
    called : bool
        Whether a bracket follows it.

    Returns
    -------
    str
    """
    shown = repr(name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…")
    words = f"there is no operator {shown}"
    if not called:
        words += f"; a field is written ${name}" if len(name) <= _LONGEST else "; a field is written $name"
    if familiar := _FAMILIAR.get(name.lower()):
        return f"{words}; write {familiar}"
    if close := _close(name):
        return f"{words}; did you mean {' or '.join(repr(c) for c in close)}?"
    if len(name) > _LONGEST:
        return words
    of_talib = name.upper().startswith("TA_")
    known = [o for o in (*OPERATORS, "Rolling", *ROLLING_FUNCTIONS) if o.startswith("TA_") == of_talib]
    return f"{words}; {suggest(name, known)}"


def _close(name: str) -> list[str]:
    # called alike but for case or TA-Lib's prefix
    upper = name.upper()
    return [o for o in OPERATORS if o.upper() in (upper, f"TA_{upper}")]
