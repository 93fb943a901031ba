"""What the figures of an evaluation mean, as sentences; a run stores the codes of those that hold for it."""

from typing import TypedDict

from qbrain_core.errors import UnknownNameError

__all__ = ["CONVENTIONS", "Convention", "convention"]


class Convention(TypedDict):
    """One sentence that holds for a run.

    Attributes
    ----------
    code : str
        Key of `CONVENTIONS`.
    params : dict of str to str
        What stands in its braces.
    """

    code: str
    params: dict[str, str]


CONVENTIONS = {
    "signal": "A signal of session t knows data up to the close of t.",
    "label_return": (
        "Its label is the return from the close of t+1 to the close of t+{last}, in adjusted prices: dividends are"
        " reinvested."
    ),
    "label_expression": (
        "Its label is {expression}; portfolios and decay are of the return from the close of t+1 to the close of"
        " t+{last}."
    ),
    "universe": "On every session the members of {universe} on that very day count, those that left it later, too.",
    "market": "On every session all stocks of market {market} count that traded on it.",
    "halted": (
        "A name halted on t does not count; one halted on t+1 cannot be bought and is left out; one halted when it"
        " should be sold is valued at the close of its last trade."
    ),
    "delisted": "A name that never trades again keeps its last close.",
    "locked_dropped": "A name whose close of t+1 stands at its price limit is left out.",
    "locked_kept": "A name whose close of t+1 stands at its price limit counts like any other.",
    "locked_unknown": "The bars know no price limits: no name is left out for standing at one.",
    "newey_west": (
        "t and p are Newey-West's with max(horizon - 1, 4 (n/100)^(2/9)) lags and Student's distribution; ICIR is"
        " mean ÷ deviation, not annualised."
    ),
    "quantiles": (
        "Quantiles hold equally many names, bounds as in pandas.qcut; those that cannot be bought are ranked and then"
        " left out. Their portfolios are weighted equally."
    ),
    "overlapping": (
        "{horizon} portfolios stand side by side, each bought at the close of t+1 and held for {horizon} sessions;"
        " a session's return is their mean."
    ),
    "costs": "{bps} bps per side of what is traded; the drift of weights is not counted as trading.",
    "annualised": "A year has {sessions} sessions; means are multiplied, not compounded.",
    "sector_dated": "Sectors are those of the scheme {scheme} that a name was in on the day.",
    "sector_static": "Sectors are those known today: their history is not in the lake.",
    "size_market_cap": "Size is the market value on the day.",
    "size_amount": "Size is the mean amount traded over 20 sessions: the lake has no market values.",
    "relations": (
        "Correlations between factors, and the IC beyond the others, are means over {sessions} sessions spread evenly."
    ),
}
"""Sentences by code; braces hold parameters."""


def convention(code: str, **params: object) -> Convention:
    """Say that a convention holds.

    Parameters
    ----------
    code : str
    **params : object
        For its braces; kept as text.

    Returns
    -------
    Convention

    Raises
    ------
    UnknownNameError
        If there is no such convention.
    """
    if code not in CONVENTIONS:
        raise UnknownNameError("code", code, CONVENTIONS)
    return Convention(code=code, params={name: str(value) for name, value in params.items()})
