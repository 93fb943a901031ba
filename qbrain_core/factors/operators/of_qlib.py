"""The operators of Qlib: names, arguments and meaning are those of `qlib.data.ops` and `qlib.data.pit` 0.9.7."""

from qbrain_core.factors.operators.declaration import Kind, Operator, Scope, Slot

__all__ = ["QLIB", "ROLLING_FUNCTIONS", "SPELLINGS", "SPELLS", "STATISTICS"]

_ONE = ("feature",)
_TWO = ("feature_left", "feature_right")
_ROLLED = ("feature", "N")
_PAIR = (Slot.OPERAND, Slot.OPERAND)
_ROLL = (Slot.SERIES, Slot.WINDOW)
_BOTH = (Slot.CONDITION, Slot.CONDITION)

_INFIX = (
    ("Or", _BOTH, Kind.CONDITION, "|", 2), ("And", _BOTH, Kind.CONDITION, "&", 3),
    ("Gt", _PAIR, Kind.CONDITION, ">", 1), ("Ge", _PAIR, Kind.CONDITION, ">=", 1),
    ("Lt", _PAIR, Kind.CONDITION, "<", 1), ("Le", _PAIR, Kind.CONDITION, "<=", 1),
    ("Eq", _PAIR, Kind.CONDITION, "==", 1), ("Ne", _PAIR, Kind.CONDITION, "!=", 1),
    ("Add", _PAIR, Kind.NUMBER, "+", 4), ("Sub", _PAIR, Kind.NUMBER, "-", 4),
    ("Mul", _PAIR, Kind.NUMBER, "*", 5), ("Div", _PAIR, Kind.NUMBER, "/", 5),
    ("Power", _PAIR, Kind.NUMBER, "**", 7),
)  # fmt: skip
_ROLLING = (
    "Mean", "Sum", "Std", "Var", "Max", "Min", "Med", "Mad", "Rank", "Count",
    "IdxMax", "IdxMin", "Slope", "Rsquare", "Resi", "WMA",
)  # fmt: skip

QLIB = (
    *(Operator(n, slots, _TWO, gives, symbol=s, precedence=p) for n, slots, gives, s, p in _INFIX),
    Operator("Not", (Slot.CONDITION,), _ONE, Kind.CONDITION),
    Operator("Greater", _PAIR, _TWO), Operator("Less", _PAIR, _TWO),
    Operator("If", (Slot.CONDITION, Slot.OPERAND, Slot.OPERAND), ("condition", *_TWO)),
    Operator("Abs", (Slot.NUMBER,), _ONE), Operator("Log", (Slot.NUMBER,), _ONE),
    Operator("Sign", (Slot.SERIES,), _ONE),
    Operator("Ref", (Slot.SERIES, Slot.SHIFT), _ROLLED), Operator("Delta", (Slot.SERIES, Slot.SHIFT), _ROLLED),
    *(Operator(name, _ROLL, _ROLLED) for name in _ROLLING),
    Operator("Skew", _ROLL, _ROLLED, least_window=3), Operator("Kurt", _ROLL, _ROLLED, least_window=4),
    Operator("EMA", (Slot.SERIES, Slot.SPAN), _ROLLED),
    Operator("Quantile", (Slot.SERIES, Slot.WINDOW, Slot.FRACTION), (*_ROLLED, "qscore")),
    Operator("Corr", (Slot.NUMBER, Slot.NUMBER, Slot.WINDOW), (*_TWO, "N")),
    Operator("Cov", (Slot.NUMBER, Slot.NUMBER, Slot.WINDOW), (*_TWO, "N")),
    Operator("TResample", (Slot.SERIES, Slot.SPELL, Slot.STATISTIC), ("feature", "freq", "func")),
    Operator("ChangeInstrument", (Slot.INSTRUMENT, Slot.SERIES), ("instrument", "feature"), scope=Scope.OTHER),
    Operator("Mask", (Slot.SERIES, Slot.INSTRUMENT), ("feature", "instrument"), scope=Scope.OTHER),
    Operator("P", (Slot.PERIODS,), _ONE, scope=Scope.PERIODS),
    Operator("PRef", (Slot.PERIODS, Slot.PERIOD), ("feature", "period"), scope=Scope.PERIODS),
)  # fmt: skip
"""Operators of Qlib."""

SPELLINGS = {
    "Rolling": Operator("Rolling", (Slot.SERIES, Slot.SPAN, Slot.ROLLED), (*_ROLLED, "func")),
    "Feature": Operator("Feature", (Slot.NAME,), ("name",)),
    "PFeature": Operator("PFeature", (Slot.NAME,), ("name",)),
}
"""Other ways Qlib has of writing what an operator, or `$name` and `$$name`, say; gone after parsing."""

ROLLING_FUNCTIONS = {
    "mean": "Mean", "sum": "Sum", "std": "Std", "var": "Var", "max": "Max", "min": "Min",
    "median": "Med", "count": "Count", "skew": "Skew", "kurt": "Kurt",
}  # fmt: skip
"""What `Rolling(x, N, 'mean')` means, by the third argument."""

SPELLS = {"D": 1, "W": 7, "M": 31, "Q": 92, "Y": 366}
"""What `TResample` may gather rows by: day, week (Monday to Sunday), month, quarter, year → most days in one."""

STATISTICS = ("first", "last", "min", "max", "sum", "mean", "median", "std", "var", "count", "prod")
"""What `TResample` may take of the rows of a spell."""
