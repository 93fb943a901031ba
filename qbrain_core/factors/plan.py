"""Order the work of a factor set: what several factors share is computed once, and kept no longer than needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from qbrain_core.factors.kernels import FAMILIES, KERNELS, Array, Stack
from qbrain_core.factors.tree import Call, Field, Node, Number

__all__ = ["Pass", "Plan", "make_plan"]


@dataclass(slots=True)
class Pass:
    """One walk over the rows, which gives one array or several.

    Attributes
    ----------
    compute : callable
        `(stack, *arguments)` → arrays, one for each of `gives`.
    arguments : tuple of int or float
        Numbers of arrays (int), and constants (float).
    gives : tuple of int
        Numbers of the arrays it makes.
    frees : list of int
        Arrays that nothing reads any more after it.
    """

    compute: Callable[..., list[Array]]
    arguments: tuple[int | float, ...]
    gives: tuple[int, ...]
    frees: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """Passes in order, and what they start from and lead to.

    Attributes
    ----------
    fields : mapping of str to int
        Input columns, and the number of the array each becomes.
    passes : list of Pass
    outputs : mapping of int to list of str
        Numbers of arrays, and the factors they are.
    """

    fields: Mapping[str, int]
    passes: list[Pass]
    outputs: Mapping[int, list[str]]


def make_plan(roots: Mapping[str, Node]) -> Plan:
    """Plan the computation of factors.

    Parameters
    ----------
    roots : mapping of str to Node
        Factor name → tree.

    Returns
    -------
    Plan
        Every distinct sub-expression is computed once, and operators of one family over the same arguments in one pass.
    """
    numbers: dict[Node, int] = {}
    calls: list[Call] = []
    outputs: dict[int, list[str]] = {}
    families: dict[Any, list[Call]] = {}

    def visit(node: Field | Call) -> int:
        if node in numbers:
            return numbers[node]
        if isinstance(node, Call):
            for argument in node.arguments:
                if not isinstance(argument, Number):
                    visit(argument)
            calls.append(node)
            if family := FAMILIES.get(node.operator):
                families.setdefault((id(family), node.arguments[: family.shared]), []).append(node)
        return numbers.setdefault(node, len(numbers))

    for name, root in roots.items():
        assert not isinstance(root, Number)
        outputs.setdefault(visit(root), []).append(name)
    together = {member: members for members in families.values() for member in members}
    passes, made = [], set[int]()
    for call in calls:
        if numbers[call] in made:
            continue
        passes.append(_pass(call, together.get(call), numbers))
        made.update(passes[-1].gives)
    _free(passes, outputs)
    return Plan({node.name: i for node, i in numbers.items() if isinstance(node, Field)}, passes, outputs)


def _pass(call: Call, members: list[Call] | None, numbers: Mapping[Node, int]) -> Pass:
    arguments = tuple(a.value if isinstance(a, Number) else numbers[a] for a in call.arguments)
    if members is None:
        kernel = KERNELS[call.operator]

        def alone(stack: Stack, *given: Any) -> list[Array]:
            return [kernel(stack, *given)]

        return Pass(alone, arguments, (numbers[call],))
    family = FAMILIES[call.operator]
    wanted = tuple(_member(member, family.shared) for member in members)
    gives = tuple(numbers[member] for member in members)
    return Pass(partial(family.compute, wanted=wanted), arguments[: family.shared], gives)


def _member(call: Call, shared: int) -> str | float:
    # what tells it from the others of its family: an argument of its own, else its name
    own = call.arguments[shared:]
    return own[0].value if own and isinstance(own[0], Number) else call.operator


def _free(passes: list[Pass], outputs: Mapping[int, list[str]]) -> None:
    # an output is written out by the pass that makes it; what nobody reads is freed there, too
    last: dict[int, Pass] = {}
    for step in passes:
        last |= dict.fromkeys((*step.gives, *(a for a in step.arguments if isinstance(a, int))), step)
    for number, step in last.items():
        step.frees.append(number)
