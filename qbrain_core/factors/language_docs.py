"""The reference of the expression language, written from its tables.

`python -m qbrain_core.factors.language_docs > docs/factors.md` writes it; with `--check FILE` it says whether FILE is
up to date.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from qbrain_core.factors.expression import MAX_DEPTH, MAX_LENGTH, MAX_WINDOW
from qbrain_core.factors.operators import HOUSE, QLIB, ROLLING_FUNCTIONS, TALIB, Operator, Scope, Slot, talib_title
from qbrain_core.factors.wording import FIELD_WORDS, NOTES, WORDS

__all__ = ["language_docs", "main"]

_HEAD = f"""# Factors: the expression language

Written from `qbrain_core/factors/` by `python -m qbrain_core.factors.language_docs > docs/factors.md`.

A factor is an expression in the syntax of Qlib 0.9.7: `Mean($close, 5)/$close`. It is parsed to a typed tree, and
nothing in it is ever evaluated as code. An expression has up to {MAX_LENGTH:,} characters and {MAX_DEPTH} levels, a
window up to {MAX_WINDOW:,} rows. What cannot be read is refused with the character, what was expected there, and names
that are close.

```python
from qbrain_core.factors import compute, explain

compute({{"ma5": "Mean($close, 5)/$close"}}, bars)  # a row for each instrument and session
explain("Mean($close, 5)/$close").sentence  # (the mean of close over 5 rows) divided by close
```
"""
_WRITING = (
    (
        "`$close`",
        "A field: a column of the frame. Letters of any script, digits and `_`.",
    ),
    ("`$$roe_q`", "An item of the statements, by report period; stands within `P(…)`. Alone it means `P($$roe_q)`."),
    ("`5`, `0.1`, `1e-12`", "Constants. What stands between constants is worked out: `Ref($close, 1 - 3)`."),
    ("`'600519.SH'`, `\"W\"`", "Text, for the operators that name an instrument, a span or a statistic."),
    ("`Mean($close, 5)`, `Mean($close, N=5)`", "An operator with its arguments, by place or by name."),
    (
        "`+ - * / **`, `> >= < <= == !=`, `& \\|`, `-x`, `~x`",
        "Infix forms, with Python's precedence: `&` and `\\|` bind tighter than comparisons, so conditions are joined "
        "as `($a > $b) & ($c > $d)`. `~x` is `Not(x)`.",
    ),
)
_MEANING = """
**Rows.** Windows and shifts count rows: the sessions of the frame's calendar from an instrument's first to its last. A
halted session is a row without values. `N = 0` is all rows so far. One value in a window suffices unless said
otherwise.

**Missing.** NaN, null and "no value" are one thing; in windows and across instruments an infinite value counts as
missing, too. Fields are rounded to float32, sums run in float64.

**Conditions** count as 0 and 1 where numbers are wanted beside them; two conditions are joined by `&` and `|`, not
added.

**Groups.** `$sector`, `$industry`, `$subindustry` and fields whose name ends in `_group` hold codes of groups. They
stand in `CSNeutralize`, in `Ref`, and on both sides of `==` and `!=`.

**Looking ahead.** Only a negative `Ref` or `Delta` does; it is refused outside labels.

**Units.** Prices, volume, money, index points and pure numbers are told apart. Adding a price to volume computes, with
a remark at the character.
"""
_ACROSS = "Over the instruments that have a row and a value in that session; nobody else is looked at."
_STATEMENTS = (
    "Within `P(…)` stand `$$` items, constants, and operators of one row and over rows; a row is a report period\n"
    "(a quarter or a year). Values are those published by the session, as last restated by then."
)
_REFUSED = (
    (
        "`Std($close, 0.1)` and other windows with a fraction",
        "Qlib gives the exponential mean whatever the operator is called. `Mean` and `EMA` take one.",
    ),
    ("`P(Ref($$roe_q, -1))`", "It asks for a report not yet made; Qlib fails on it, too."),
    (
        "`TResample` with the whole span known from its first day",
        "Qlib labels a span with its start, so the first row would know the last. Here each row has the span up to "
        "itself. Spans shorter than a day do not occur in daily rows.",
    ),
    (
        "`If` with a number as its condition, `Abs` and `Log` of a condition",
        "A missing number would count as true; the logarithm of a condition has half the precision. Compare.",
    ),
    ("Two conditions added or compared", 'numpy\'s `+` of two conditions is "or". Write `\\|`, or `If(…, 1, 0)`.'),
    ("`$a < $b < $c`, `$a > 1 and $b > 1`", "Python drops one of the two conditions in silence."),
    ("Operators of one's own by import path", "Nothing that a text names is imported."),
)
_FIELDS = """## Fields

`compute` reads whatever columns its frame has. A `kind: factors` job fills these from the lake: {}.
Prices, volume and vwap are comparable across corporate actions (price × factor, volume ÷ factor); benchmark fields
are the market's benchmark on the same session; groups and ratios are those of the session.
"""
_TALIB = """Every function of the library, an operator for each output. Series come first, in TA-Lib's order; they may
be any expression, their names only say what is usual. Parameters may be left out. A function sees the rows of one
instrument that have all its series, as on a chart without halts, and its values land on those rows; so the look-back
of one that remembers has no bound in rows. {} operators of {} functions."""


def language_docs() -> str:
    """Write the reference.

    Returns
    -------
    str
        Markdown: how to write, every operator in one line, what is refused and why.
    """
    ours = (*QLIB, *HOUSE)
    own = [o for o in ours if o.scope is Scope.OWN]
    functions = {o.talib[0] for o in TALIB if o.talib}
    rolled = ", ".join(f"`'{f}'`" for f in ROLLING_FUNCTIONS)
    spelled = (
        ("`Rolling(feature, N, 'mean')`", f"`Mean(feature, N)`; the third argument is one of {rolled}"),
        ("`Feature('close')`, `PFeature('roe_q')`", "`$close`, `$$roe_q`"),
    )
    parts = (
        _HEAD,
        _table("Writing", ("", ""), _WRITING) + _MEANING,
        _operators("Of one row", [o for o in own if not _windowed(o)]),
        _operators("Over rows", [o for o in own if _windowed(o)]),
        _operators("Across the instruments of a session", [o for o in ours if o.scope is Scope.SESSION], _ACROSS),
        _operators("Of another instrument", [o for o in ours if o.scope is Scope.OTHER]),
        _operators("Statements, as they were known", [o for o in ours if o.scope is Scope.PERIODS], _STATEMENTS),
        _table("Other spellings", ("", "is read as"), spelled),
        _table("What Qlib takes and this language does not", ("", "why"), _REFUSED),
        _FIELDS.format(", ".join(f"`${name}`" for name in FIELD_WORDS)),
        _table(
            "TA-Lib",
            ("operator", "function"),
            ((_called(o), talib_title(o.talib[0])) for o in TALIB if o.talib),
            _TALIB.format(len(TALIB), len(functions)),
        ),
    )
    return "\n".join(parts)


def main(arguments: Sequence[str]) -> str:
    """Write the reference to standard output, or check a file against it.

    Parameters
    ----------
    arguments : sequence of str
        None, or `--check` and a path.

    Returns
    -------
    str
        What is wrong; "" for nothing.
    """
    match arguments:
        case ["--check", path]:
            same = Path(path).read_text(encoding="utf-8") == language_docs()
            return "" if same else f"{path} does not say what the operators say: write it anew"
        case []:
            sys.stdout.write(language_docs())
            return ""
    return "give nothing, or --check and a file"


def _windowed(operator: Operator) -> bool:
    return any(slot in (Slot.WINDOW, Slot.SHIFT, Slot.SPAN, Slot.SPELL) for slot in operator.slots)


def _operators(title: str, operators: Iterable[Operator], words: str = "") -> str:
    rows = ((_called(o), WORDS[o.name]["en"].format(*_arguments(o)), NOTES.get(o.name, "")) for o in operators)
    return _table(title, ("operator", "gives", ""), rows, words)


def _table(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]], words: str = "") -> str:
    lines = [f"## {title}", ""]
    if words:
        lines += [words, ""]
    lines += [f"| {' | '.join(head)} |".replace("|  |", "| |"), "|---" * len(head) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), ""])


def _called(operator: Operator) -> str:
    required = len(operator.names) - len(operator.defaults)
    optional = zip(operator.names[required:], operator.defaults, strict=True)
    shown = [*operator.names[:required], *(f"{name}={value:g}" for name, value in optional)]
    infix = f" `{operator.symbol}`".replace("|", "\\|") if operator.symbol else ""
    return f"`{operator.name}({', '.join(shown)}{', …' if operator.repeats else ''})`{infix}"


def _arguments(operator: Operator) -> list[str]:
    shapes = {Slot.WINDOW: "{} rows", Slot.SHIFT: "{} rows earlier", Slot.SPAN: "a span of {} rows"}
    named = zip(operator.slots, operator.names, strict=True)
    return [shapes.get(slot, "{}").format(f"*{name}*") for slot, name in named]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or None)
