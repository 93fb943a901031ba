"""Put a tree into words, in English or Chinese."""

from qbrain_core.factors.operators import OPERATORS, Operator, Slot, talib_title
from qbrain_core.factors.tree import Call, Constant, Field, Node, Number, PeriodField, Text, format
from qbrain_core.factors.units import PURE, Finding, Unit
from qbrain_core.factors.wording import FIELD_WORDS, WORDS, Language

__all__ = ["finding_words", "sentence", "unit_words"]

_UNITS_ZH = {
    "pure number": "纯数", "money": "金额", "volume": "股数", "index points": "点位", "price": "价格",
}  # fmt: skip
_SPELLS: dict[Language, dict[str, str]] = {
    "en": {"D": "day", "W": "week", "M": "month", "Q": "quarter", "Y": "year"},
    "zh": {"D": "当日", "W": "本周", "M": "本月", "Q": "本季", "Y": "本年"},
}


def sentence(node: Node, language: Language = "en") -> str:
    """Say what a tree computes.

    Parameters
    ----------
    node : Node
    language : {"en", "zh"}

    Returns
    -------
    str
        A phrase without a full stop: "(the mean of close over 5 rows) divided by close".
    """
    return _words(node, language, "rows")


def unit_words(unit: Unit, language: Language = "en") -> str:
    """Name a unit.

    Parameters
    ----------
    unit : Unit
    language : {"en", "zh"}

    Returns
    -------
    str
    """
    return _UNITS_ZH.get(str(unit), str(unit)) if language == "zh" else str(unit)


def finding_words(finding: Finding, language: Language = "en") -> str:
    """Say what is odd about an expression.

    Parameters
    ----------
    finding : Finding
    language : {"en", "zh"}

    Returns
    -------
    str
    """
    if language == "en":
        return str(finding)
    shown = OPERATORS[finding.operator].symbol or finding.operator
    units = "与".join(unit_words(u, language) for u in finding.units)
    if len(finding.units) == 1:
        return f"{shown} 需要{unit_words(PURE, language)}，而不是{units}"
    return f"{shown} 把{units}放在一起"


def _words(node: Node, language: Language, rows: str) -> str:
    match node:
        case Field(name) | PeriodField(name):
            return FIELD_WORDS.get(name, name) if language == "zh" else name.replace("_", " ")
        case Number() | Text():
            return format(node)
    definition = node.definition
    if definition.talib:
        return _talib(node, definition, language, rows)
    if node.operator == "Mul" and node.arguments[0] == Number(-1.0):
        return ("minus " if language == "en" else "负的") + _inner(node.arguments[1], language, rows)
    within = "periods" if definition.slots[0] is Slot.PERIODS else rows
    said = []
    for number, argument in enumerate(node.arguments):
        slot = definition.slots[min(number, len(definition.slots) - 1)]
        if isinstance(argument, Number | Text):
            said.append(_constant(slot, argument, language, rows))
        else:
            said.append(_inner(argument, language, within))
    if definition.repeats:
        said[len(definition.slots) - 1 :] = [
            (" and " if language == "en" else "、").join(said[len(definition.slots) - 1 :])
        ]
    return WORDS[node.operator][language].format(*said)


def _inner(node: Node, language: Language, rows: str) -> str:
    words = _words(node, language, rows)
    if not isinstance(node, Call):
        return words
    return f"({words})" if language == "en" else f"（{words}）"


def _constant(slot: Slot, constant: Constant, language: Language, rows: str) -> str:
    value = constant.value
    if isinstance(value, str):
        return _SPELLS[language][value] if slot is Slot.SPELL else value
    shown = format(constant)
    one = "row" if rows == "rows" else "period"
    many = f"{shown} {one}{'s' if value not in (1, -1) else ''}"
    counted = f"{shown} 行" if rows == "rows" else f"{shown} 个报告期"
    match slot:
        case Slot.WINDOW if value == 0:
            return f"all {rows} so far" if language == "en" else "至今全部" + ("行" if rows == "rows" else "报告期")
        case Slot.WINDOW:
            return many if language == "en" else f"最近 {counted}"
        case Slot.SHIFT if value == 0:
            return f"on the first {one}" if language == "en" else "最初"
        case Slot.SHIFT:
            ahead = value < 0
            many, counted = many.lstrip("-"), counted.lstrip("-")
            return (
                f"{many} {'later' if ahead else 'earlier'}"
                if language == "en"
                else f"{counted}{'后' if ahead else '前'}"
            )
        case Slot.SPAN if 0 < value < 1:
            return f"a smoothing factor of {shown}" if language == "en" else f"平滑系数 {shown}"
        case Slot.SPAN:
            return f"a span of {many}" if language == "en" else f"跨度 {counted}"
    return shown


def _talib(node: Call, definition: Operator, language: Language, rows: str) -> str:
    assert definition.talib
    function = definition.talib[0]
    series = [_inner(a, language, rows) for a in node.arguments if not isinstance(a, Number)]
    settings = zip(reversed(definition.names), reversed(node.arguments), strict=True)
    given = [f"{name} {format(a)}" for name, a in settings if isinstance(a, Number)][::-1]
    output = node.operator.removeprefix(f"TA_{function}").removeprefix("_").lower()
    title = talib_title(function) + (f", {output}" if output else "")
    if language == "zh":
        return f"TA-Lib 的 {title}（{'、'.join(series)}{'；' if given else ''}{'、'.join(given)}）"
    return f"TA-Lib's {title} of {', '.join(series)}" + (f" with {', '.join(given)}" if given else "")
