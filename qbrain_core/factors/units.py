"""What a tree measures: money, shares, points, pure numbers; and where it joins what does not belong together.

Units are exponents of money, shares and index points: a price is money per share, volume is shares, and price × volume
is money. A constant takes the unit of what it is joined with (`$volume + 1`); what is not known fits everywhere.
"""

from dataclasses import dataclass
from fractions import Fraction

from qbrain_core.factors.operators import OPERATORS, Kind, talib_keeps_scale
from qbrain_core.factors.tree import Call, Field, Node, Number, PeriodField, Text

__all__ = ["PURE", "Finding", "Unit", "check_units", "unit_of", "units_within"]


@dataclass(frozen=True, slots=True)
class Unit:
    """Exponents of what is measured.

    Attributes
    ----------
    money, shares, points : Fraction
        All 0: a pure number.
    """

    money: Fraction = Fraction(0)
    shares: Fraction = Fraction(0)
    points: Fraction = Fraction(0)

    def __mul__(self, other: "Unit") -> "Unit":
        """Give the unit of a product."""
        return Unit(self.money + other.money, self.shares + other.shares, self.points + other.points)

    def __pow__(self, exponent: float) -> "Unit":
        """Give the unit of a power."""
        by = Fraction(exponent).limit_denominator(1000)
        return Unit(self.money * by, self.shares * by, self.points * by)

    def __str__(self) -> str:
        """Name it: `price`, or what it is made of: `money²/shares`."""
        if self in _NAMES:
            return _NAMES[self]
        parts = (("money", self.money), ("shares", self.shares), ("points", self.points))
        over = "·".join(_raised(name, power) for name, power in parts if power > 0)
        under = "·".join(_raised(name, -power) for name, power in parts if power < 0)
        return f"{over or 1}/{under}" if under else over


PURE = Unit()
MONEY = Unit(money=Fraction(1))
SHARES = Unit(shares=Fraction(1))
POINTS = Unit(points=Fraction(1))
PRICE = Unit(Fraction(1), Fraction(-1))
_NAMES = {PURE: "pure number", MONEY: "money", SHARES: "volume", POINTS: "index points", PRICE: "price"}

_FIELDS = {
    **dict.fromkeys(("open", "high", "low", "close", "vwap", "pre_close"), PRICE),
    **dict.fromkeys(("volume", "benchmark_volume", "shares"), SHARES),
    **dict.fromkeys(("amount", "market_cap", "float_market_cap"), MONEY),
    **dict.fromkeys(("benchmark_open", "benchmark_high", "benchmark_low", "benchmark_close"), POINTS),
    **dict.fromkeys(
        ("factor", "turnover", "benchmark_return", "pe", "pb", "ps", "pcf", "dividend_yield", "change", "return"), PURE
    ),
}
_ITEMS = {
    **dict.fromkeys(
        ("revenue", "operating_income", "net_income", "assets", "liabilities", "equity", "operating_cash_flow", "cash",
         "current_assets", "current_liabilities", "investing_cash_flow", "financing_cash_flow"), MONEY
    ),
    **dict.fromkeys(("eps", "eps_diluted", "dividend_per_share"), PRICE), "shares": SHARES,
}  # fmt: skip
_JOINS = {"Add", "Sub", "Gt", "Ge", "Lt", "Le", "Eq", "Ne", "Greater", "Less", "If"}
_PURE = {
    "Sign", "Log", "Exp", "Count", "Rank", "IdxMax", "IdxMin", "Rsquare", "Skew", "Kurt", "Corr",
    "CSRank", "CSZScore", "CSScale",
}  # fmt: skip
_SQUARED = {"Var": 2.0, "Sqrt": 0.5}
_PRICES = {"open", "high", "low", "close"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in an expression that computes and is probably not meant.

    Attributes
    ----------
    at : int
        Character of the text, from 0.
    operator : str
    units : tuple of Unit
        What meets there.
    """

    at: int
    operator: str
    units: tuple[Unit, ...]

    def __str__(self) -> str:
        """Say it in a sentence."""
        definition = OPERATORS[self.operator]
        shown = definition.symbol or self.operator
        if len(self.units) == 1:
            return f"{shown} takes a pure number, not {_article(self.units[0])}"
        return f"{shown} joins {' and '.join(_article(u) for u in self.units)}"


def unit_of(node: Node) -> Unit | None:
    """Tell what a tree measures.

    Parameters
    ----------
    node : Node

    Returns
    -------
    Unit or None
        None where it is not known, or fits everything.
    """
    return units_within(node)[id(node)]


def units_within(node: Node) -> dict[int, Unit | None]:
    """Tell what every part of a tree measures.

    Parameters
    ----------
    node : Node

    Returns
    -------
    dict of int to Unit or None
        By `id` of the nodes.
    """
    units: dict[int, Unit | None] = {}
    _visit(node, [], units)
    return units


def check_units(node: Node) -> list[Finding]:
    """Find where a tree joins what does not belong together: a price added to a volume.

    Parameters
    ----------
    node : Node

    Returns
    -------
    list of Finding
        By position. None of them keeps the tree from being computed.
    """
    found: list[Finding] = []
    _visit(node, found, {})
    return sorted(dict.fromkeys(found), key=lambda f: f.at)


def _visit(node: Node, found: list[Finding], units: dict[int, Unit | None]) -> Unit | None:
    unit = None
    match node:
        case Field(name):
            unit = _FIELDS.get(name)
        case PeriodField(name):
            unit = _ITEMS.get(name.removesuffix("_q").removesuffix("_a").removesuffix("_ttm"))
        case Call():
            below = [_visit(a, found, units) for a in node.arguments]
            _judge(node, below, found)
            unit = PURE if node.kind is Kind.CONDITION else _given(node, below)
    units[id(node)] = unit
    return unit


def _judge(node: Call, units: list[Unit | None], found: list[Finding]) -> None:
    name, definition = node.operator, node.definition
    if name in _JOINS:
        _differ(node, units[-2:], found)
    elif name == "Exp" or (name == "Power" and isinstance(node.arguments[0], Number)):
        exponent = units[-1]
        if exponent not in (None, PURE):
            found.append(Finding(node.at, name, (exponent,)))
    elif definition.talib:
        named = zip(definition.names, units, strict=True)
        _differ(node, [unit for place, unit in named if place in _PRICES], found)


def _differ(node: Call, units: list[Unit | None], found: list[Finding]) -> None:
    known = tuple(dict.fromkeys(u for u in units if u is not None))
    if len(known) > 1:
        found.append(Finding(node.at, node.operator, known))


def _given(node: Call, units: list[Unit | None]) -> Unit | None:
    name, first = node.operator, units[0]
    if node.definition.talib:
        return first if talib_keeps_scale(node.definition.talib[0]) else None
    if name in _PURE:
        return PURE
    if name in _JOINS:
        return next((u for u in units[-2:] if u is not None), None)
    if name in _SQUARED:
        return first and first ** _SQUARED[name]
    match name:
        case "Mul" | "Div" | "Cov":
            left, right = (
                PURE if isinstance(a, Number) else u for a, u in zip(node.arguments, units[:2], strict=False)
            )
            if left is None or right is None:
                return None
            return left * (right ** (-1 if name == "Div" else 1))
        case "Power":
            exponent = node.arguments[1]
            if first is None or first == PURE:
                return first
            return first**exponent.value if isinstance(exponent, Number) and abs(exponent.value) < 100 else None
        case "Prod":
            return PURE if first == PURE else None
        case "TResample":
            return _resampled(node, first)
        case "ChangeInstrument":
            return units[1]
    return first


def _resampled(node: Call, unit: Unit | None) -> Unit | None:
    match node.arguments[2]:
        case Text("count"):
            return PURE
        case Text("var"):
            return unit and unit**2
        case Text("prod"):
            return PURE if unit == PURE else None
    return unit


def _raised(name: str, power: Fraction) -> str:
    return name if power == 1 else f"{name}^{power}" if power.denominator == 1 else f"{name}^({power})"


def _article(unit: Unit) -> str:
    text = str(unit)
    return text if unit in (MONEY, SHARES, POINTS) else f"a {text}"
