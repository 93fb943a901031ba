"""Explain an expression: its tree, a sentence, what it reads, how far it reaches, what it costs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from qbrain_core.factors.costs import cost_ns
from qbrain_core.factors.expression import parse
from qbrain_core.factors.reach import first_row, is_causal, lookahead, lookback
from qbrain_core.factors.sentence import finding_words, sentence, unit_words
from qbrain_core.factors.tree import Call, Dependencies, Node, Number, Text, crosses_instruments, dependencies, format
from qbrain_core.factors.units import Unit, check_units, units_within
from qbrain_core.factors.wording import Language

__all__ = ["Branch", "Explanation", "Remark", "explain"]


@dataclass(frozen=True, slots=True)
class Branch:
    """A node of the tree, to be drawn.

    Attributes
    ----------
    label : str
        Operator with its constants, or field: `Mean(·, 5)`, `+`, `$close`.
    unit : str
        What it measures, "" where that is not known.
    at : int
        Character of the text it stands at, from 0.
    children : tuple of Branch
        Arguments that vary by row.
    """

    label: str
    unit: str
    at: int
    children: tuple["Branch", ...] = ()

    def lines(self) -> list[str]:
        """Draw the tree with characters, a line for each node.

        Returns
        -------
        list of str
        """
        result = [self.label]
        for child in self.children:
            last = child is self.children[-1]
            first, *others = child.lines()
            result += [("└─ " if last else "├─ ") + first, *(("   " if last else "│  ") + line for line in others)]
        return result


@dataclass(frozen=True, slots=True)
class Remark:
    """Something in an expression that computes and is probably not meant.

    Attributes
    ----------
    at : int
        Character of the text, from 0.
    text : str
    """

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to know of an expression without computing it.

    Attributes
    ----------
    expression : str
        As `format` writes it.
    sentence : str
        What it computes.
    tree : Branch
    reads : Dependencies
    unit : str
        What it measures, "" where that is not known.
    is_causal : bool
        Whether no part of it refers to a later row.
    crosses_instruments : bool
        Whether a value depends on rows of other instruments.
    lookback : float
        Rows before its own that a value may depend on; infinite where no number bounds them.
    lookahead : int
        Rows after its own that a value may depend on.
    first_row : int
        Rows of an instrument before its first value, if no field lacks one.
    cost_ns : float
        About how long one thread computes a row of it alone, in nanoseconds.
    remarks : tuple of Remark
        By position.
    """

    expression: str
    sentence: str
    tree: Branch
    reads: Dependencies
    unit: str
    is_causal: bool
    crosses_instruments: bool
    lookback: float
    lookahead: int
    first_row: int
    cost_ns: float
    remarks: tuple[Remark, ...]


def explain(
    expression: str,
    *,
    language: Language = "en",
    known: Collection[str] | None = None,
    parameter: str = "expression",
) -> Explanation:
    """Explain an expression; nothing is computed.

    Parameters
    ----------
    expression : str
        In Qlib's syntax.
    language : {"en", "zh"}
        Of the sentence, the units and the remarks.
    known : collection of str, optional
        Fields there are, without the `$`; another one is an error. Without it every name is taken.
    parameter : str
        What to call the expression in an error.

    Returns
    -------
    Explanation

    Raises
    ------
    FactorSyntaxError
        If it is not an expression of the language.
    """
    node = parse(expression, parameter=parameter, known=known)
    units = units_within(node)
    return Explanation(
        format(node),
        sentence(node, language),
        _branch(node, units, language),
        dependencies(node),
        _named(units[id(node)], language),
        is_causal(node),
        crosses_instruments(node),
        lookback(node),
        lookahead(node),
        first_row(node),
        cost_ns(node),
        tuple(Remark(f.at, finding_words(f, language)) for f in check_units(node)),
    )


def _branch(node: Node, units: Mapping[int, Unit | None], language: Language) -> Branch:
    unit = _named(units[id(node)], language)
    if not isinstance(node, Call):
        return Branch(format(node), unit, node.at)
    # a constant beside an infix operator says more as a child of its own
    symbol = node.definition.symbol
    below = [a for a in node.arguments if symbol or not isinstance(a, Number | Text)]
    shown = (format(a) if isinstance(a, Number | Text) else "·" for a in node.arguments)
    label = symbol or f"{node.operator}({', '.join(shown)})"
    return Branch(label, unit, node.at, tuple(_branch(a, units, language) for a in below))


def _named(unit: Unit | None, language: Language) -> str:
    return unit_words(unit, language) if unit else ""
