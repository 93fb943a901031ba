"""How an operator is declared: what it takes, what it gives, and which rows it looks at."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Kind", "Operator", "Scope", "Slot"]


class Kind(StrEnum):
    """What a node gives on each row."""

    NUMBER = "number"
    CONDITION = "condition"
    GROUP = "group"
    TEXT = "text"


class Scope(StrEnum):
    """Whose rows an operator looks at.

    `OWN` rows of the same instrument, `SESSION` all instruments of the same session, `OTHER` rows of a named
    instrument, `PERIODS` the instrument's report periods as they were known at the session.
    """

    OWN = "own"
    SESSION = "session"
    OTHER = "other"
    PERIODS = "periods"


class Slot(StrEnum):
    """What an operator takes at one place.

    `SERIES`, `NUMBER`, `CONDITION`, `REGRESSOR` take what varies by row (`NUMBER` no condition, only `REGRESSOR` a
    group), `OPERAND` also a constant. `PERIODS` takes an expression over `$$` fields. The rest are constants: `WINDOW`
    a whole number of rows (0: all so far), `SHIFT` one that may be negative, `SPAN` a window or a fraction, `FRACTION`
    between 0 and 1, `PERIOD` a report period, `SETTING` a parameter of TA-Lib, `WHOLE` a whole one, and five in quotes.
    """

    SERIES = "a series"
    NUMBER = "a series of numbers"
    CONDITION = "a condition"
    OPERAND = "a series or a number"
    REGRESSOR = "a series or a group"
    PERIODS = "an expression over $$ fields"
    WINDOW = "a whole number of rows, 0 or more"
    SHIFT = "a whole number of rows"
    SPAN = "a whole number of rows, or a fraction between 0 and 1"
    FRACTION = "a number from 0 to 1"
    POSITIVE = "a number above 0"
    PERIOD = "a report period: a year, or a quarter such as 202003"
    SETTING = "a number"
    WHOLE = "a whole number"
    INSTRUMENT = "an instrument in quotes"
    SPELL = "'D', 'W', 'M', 'Q' or 'Y'"
    STATISTIC = "a statistic in quotes"
    ROLLED = "a rolling statistic in quotes"
    NAME = "the name of a field in quotes"


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    Attributes
    ----------
    name : str
        As it is called: `Mean`, `Add`.
    slots : tuple of Slot
        What it takes, in order.
    names : tuple of str
        How each argument is called: `Mean($close, N=5)`.
    gives : Kind
    scope : Scope
    symbol : str
        Infix form, "" where it has none.
    precedence : int
        Of the infix form; higher binds tighter, as in Python.
    least_window : int
        Smallest window other than 0.
    defaults : tuple of float
        Of the last arguments; these may be left out.
    repeats : bool
        Whether the last argument may be given any number of times.
    talib : (str, int) or None
        Function of TA-Lib and number of its output, for what TA-Lib computes.
    remembers : bool
        Whether a value may depend on rows that no window bounds.
    """

    name: str
    slots: tuple[Slot, ...]
    names: tuple[str, ...]
    gives: Kind = Kind.NUMBER
    scope: Scope = Scope.OWN
    symbol: str = ""
    precedence: int = 0
    least_window: int = 1
    defaults: tuple[float, ...] = ()
    repeats: bool = False
    talib: tuple[str, int] | None = None
    remembers: bool = False

    @property
    def is_pair(self) -> bool:
        """Whether it joins two values of a row, either of which may be a constant."""
        return self.slots == (Slot.OPERAND, Slot.OPERAND)
