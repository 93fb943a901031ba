"""Random expressions: well-formed trees of every operator, and texts that somebody or something has damaged."""

from random import Random

from qbrain_core.factors.arguments import fits
from qbrain_core.factors.expression import Call, Field, Node, Number, PeriodField, Text, format
from qbrain_core.factors.operators import OPERATORS, STATISTICS, Kind, Operator, Scope, Slot, talib_rows

FIELDS = ("open", "close", "volume", "x_1", "收盘价")
_ALL = tuple(OPERATORS.values())
_NUMBERS = tuple(o for o in _ALL if o.gives is Kind.NUMBER)
_CONDITIONS = tuple(o for o in _ALL if o.gives is Kind.CONDITION)


def tree(random: Random, leaves: int = 6) -> Node:
    """Make a tree, with operators of all tables about equally often."""
    return call(random, random.choice(_ALL), leaves)


def call(random: Random, operator: Operator, leaves: int = 6, *, periods: bool = False) -> Call:
    """Make a call of one operator."""
    while True:
        inner = periods or operator.scope is Scope.PERIODS
        slots = operator.slots + operator.slots[-1:] * (random.randrange(3) if operator.repeats else 0)
        each = max(0, leaves // len(slots) - 1)
        arguments = tuple(_argument(random, operator, slot, each, inner) for slot in slots)
        if operator.is_pair and len({a.kind for a in arguments}) == 1 and arguments[0].kind is Kind.CONDITION:
            continue
        if all(isinstance(a, Number) for a in arguments):
            continue
        settings = tuple(a.value for a in arguments if isinstance(a, Number))
        if operator.talib and talib_rows(operator.talib[0], settings) < 0:
            continue
        return Call(operator.name, arguments)


def _argument(random: Random, operator: Operator, slot: Slot, leaves: int, periods: bool) -> Node:
    least = operator.least_window
    match slot:
        case Slot.WINDOW:
            return Number(float(random.choice((0, random.randint(least, 300)))))
        case Slot.SHIFT:
            return Number(float(random.randint(0 if periods else -20, 20)))
        case Slot.SPAN:
            return Number(random.choice((0.1, float(random.randint(0, 60)))))
        case Slot.FRACTION:
            return Number(random.random())
        case Slot.POSITIVE:
            return Number(random.uniform(0.1, 9))
        case Slot.SETTING:
            return Number(random.choice((0.02, 0.2, 0.5, 0.7, 2.0, 3.0, 50.0)))
        case Slot.WHOLE:
            return Number(float(random.choice((0, 1, 2, 3, 5, 9, 10, 14, 26))))
        case Slot.PERIOD:
            return Number(float(random.choice((2020, 202001, 201904))))
        case Slot.INSTRUMENT:
            return Text(random.choice(("SH000300", "600519.SH", "it's")))
        case Slot.SPELL:
            return Text(random.choice("DWMQY"))
        case Slot.STATISTIC:
            return Text(random.choice(STATISTICS))
        case Slot.CONDITION:
            return _series(random, leaves, periods, _CONDITIONS) or call(random, OPERATORS["Gt"], 0, periods=periods)
        case Slot.OPERAND if random.random() < 0.2:
            return Number(random.choice((1.0, -1.0, 0.5, 1e-12, 3e20, -7.25)))
        case Slot.REGRESSOR if random.random() < 0.5:
            return Field("industry")
    numbers = slot in (Slot.NUMBER, Slot.OPERAND) or random.random() < 0.8
    node = _series(random, leaves, periods, _NUMBERS if numbers else _CONDITIONS)
    return node if node and fits(slot, node, operator) else _leaf(random, periods)


def _series(random: Random, leaves: int, periods: bool, operators: tuple[Operator, ...]) -> Node | None:
    if leaves <= 0:
        return None
    allowed = [o for o in operators if not periods or (o.scope is Scope.OWN and not o.talib and o.name != "TResample")]
    return call(random, random.choice(allowed), leaves, periods=periods)


def _leaf(random: Random, periods: bool) -> Node:
    return PeriodField("roe_q") if periods else Field(random.choice(FIELDS))


_SHRAPNEL = (
    *OPERATORS, "Rolling", "Feature", "PFeature", "$close", "$$roe_q", "$", "$$", "(", ")", ",", "=", "N=", "5", "-",
    "+", "*", "/", "**", "<", ">=", "==", "!=", "&", "|", "~", "!", "0.5", "1e5", "1e999", "1__0", ".", "'W'", '"',
    "'", " ", "\n", "\t", "\0", "é", "（", "）", "，", "𝟝", "Ⅷ", "\u202e", "\ud800", "#", "\\", "__import__",
    "lambda:", "eval(", "{}", "[0]", ";", "%s", "if", "and", "not", "None", "nan", "inf", "1j", "0x10", "@", "$a.b",
)  # fmt: skip


def damaged(random: Random) -> str:
    """Make a text: noise, an expression, or an expression with up to eight pieces of damage."""
    way = random.random()
    if way < 0.15:
        return "".join(random.choices(_SHRAPNEL, k=random.randint(0, 30)))
    if way < 0.25:
        return "".join(chr(random.choice((random.randrange(128), random.randrange(0x11_0000)))) for _ in range(60))
    text = format(tree(random, random.choice((2, 6, 20))))
    if way < 0.3:
        return _long(random, text)
    for _ in range(random.choice((0, 1, 1, 1, 2, 8))):
        text = _hit(random, text)
    return text


def _hit(random: Random, text: str) -> str:
    a, b = sorted(random.randrange(len(text) + 1) for _ in range(2))
    b = min(b, a + random.choice((1, 3, 40)))
    match random.randrange(8):
        case 0:
            return text[:a] + text[b:]
        case 1:
            return text[:b] + text[a:]
        case 2:
            return text[:a]
        case 3:
            return text[:a] + random.choice(_SHRAPNEL) + text[a:]
        case 4:
            return text[:a] + random.choice(_SHRAPNEL) + text[b:]
        case 5:
            return text[:a] + text[a:b].swapcase() + text[b:]
        case 6:
            return text[:a] + format(tree(random)) + text[b:]
        case _:
            return text[:a] + chr(random.randrange(0x3000)) + text[b:]


def _long(random: Random, text: str) -> str:
    many = random.choice((50, 101, 400, 5000))
    match random.randrange(7):
        case 0:
            return "(" * many + text + ")" * many
        case 1:
            return "Mean(" * many + text + ", 5)" * many
        case 2:
            return (random.choice("-~") * many) + text
        case 3:
            return random.choice((" + ", "**", " & ", " > ", ", ")).join([text] * many)
        case 4:
            return random.choice(("x", "Mea", "9", "$a", "'", " ", "P(", "TA_", "（")) * many
        case 5:
            return "(" * many + text + random.choice((")**99.7", ")**-1e300", ")*1e300")) * many
        case _:
            return f"CSNeutralize({', '.join(['$a'] * many)})"
