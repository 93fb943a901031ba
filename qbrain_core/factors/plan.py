"""Order the work of a factor set: what several factors share is computed once, and kept no longer than needed.

Operators across instruments need a whole session at once, all others one instrument's history. So a plan has stages:
each computes, instrument by instrument, what the next operators across instruments read; these make columns that the
next stage reads like fields. Without such operators there is one stage.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from qbrain_core.factors.kernels import FAMILIES, KERNELS, PERIODS, SECTIONS, Array, Stack
from qbrain_core.factors.operators import Kind, Scope
from qbrain_core.factors.reference import outward
from qbrain_core.factors.tree import Call, Constant, Field, Node

__all__ = ["Crossing", "Pass", "Stage", "make_plan"]

Column: TypeAlias = Field | Call
"""What has a value on each row of the whole frame: a field, or an operator across instruments that has been done."""


@dataclass(slots=True)
class Pass:
    """One walk over the rows of a block, which gives one array or several.

    Attributes
    ----------
    compute : callable
        `(stack, *arguments)` → arrays, one for each of `gives`.
    arguments : tuple
        Numbers of arrays (int), and constants (anything else).
    gives : tuple of int
        Numbers of the arrays it makes.
    frees : list of int
        Arrays that nothing reads any more after it.
    """

    compute: Callable[..., list[Array]]
    arguments: tuple[Any, ...]
    gives: tuple[int, ...]
    frees: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Crossing:
    """One operator across instruments, done for every session of the frame.

    Attributes
    ----------
    call : Call
        What it computes, and the name of the column it makes.
    compute : callable
        `(stack of sessions, *arguments)` → array.
    arguments : tuple
        Columns of the frame (nodes of the tree), and constants (anything else).
    frees : list of Node
        Computed arguments that no crossing reads any more after it.
    """

    call: Call
    compute: Callable[..., Array]
    arguments: tuple[Any, ...]
    frees: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stage:
    """What is computed block by block, then across instruments.

    Attributes
    ----------
    inputs : mapping of Field or Call to int
        Columns it reads, and the number of the array each becomes.
    passes : list of Pass
    outputs : mapping of int to list
        Numbers of arrays, and what they are: names of factors, or nodes that a crossing reads.
    crossings : list of Crossing
    spent : list of Field or Call
        Columns that nothing reads any more after it.
    """

    inputs: Mapping[Column, int]
    passes: list[Pass]
    outputs: Mapping[int, list[str | Node]]
    crossings: list[Crossing]
    spent: list[Column]


def make_plan(roots: Mapping[str, Node]) -> list[Stage]:
    """Plan the computation of factors.

    Parameters
    ----------
    roots : mapping of str to Node
        Factor name → tree.

    Returns
    -------
    list of Stage
        The last gives the factors. Within a stage every distinct sub-expression is computed once, and operators of one
        family over the same arguments in one pass.
    """
    roots = {name: outward(root) for name, root in roots.items()}
    levels: dict[Node, int] = {}
    for root in roots.values():
        _levels(root, levels)
    last = max(levels.values())
    across = [node for node in levels if _crosses(node)]
    stages: list[Stage] = []
    for level in range(last + 1):
        crossings = [_crossing(node) for node in across if isinstance(node, Call) and levels[node] == level + 1]
        read = dict.fromkeys(a for c in crossings for a in c.arguments if isinstance(a, Field | Call))
        made: Iterable[tuple[str | Node, Node]] = ((a, a) for a in read if isinstance(a, Call) and not _crosses(a))
        stages.append(_stage(list(roots.items() if level == last else made), crossings))
        for argument, crossing in {a: c for c in crossings for a in c.arguments}.items():
            crossing.frees.append(argument)
    _spend(stages)
    return stages


def _crosses(node: Node) -> bool:
    return isinstance(node, Call) and node.definition.scope in (Scope.SESSION, Scope.OTHER)


def _levels(node: Node, levels: dict[Node, int]) -> int:
    # how many operators across instruments have been done when it can be computed
    if node not in levels:
        below = max((_levels(a, levels) for a in _read(node)), default=0)
        levels[node] = below + _crosses(node)
    return levels[node]


def _read(node: Node) -> list[Column]:
    # the arguments that vary by row; an expression over report periods is its kernel's own
    if not isinstance(node, Call) or node.definition.scope is Scope.PERIODS:
        return []
    return [a for a in node.arguments if isinstance(a, Field | Call)]


def _crossing(call: Call) -> Crossing:
    kernel = SECTIONS[call.operator]
    if call.definition.repeats:  # any number of regressors: it is told which are codes of groups
        kernel = partial(kernel, groups=tuple(a.kind is Kind.GROUP for a in call.arguments[1:]))
    return Crossing(call, kernel, tuple(_given(a) for a in call.arguments))


def _given(argument: Node) -> Any:
    return argument.value if isinstance(argument, Constant) else argument


def _stage(roots: list[tuple[str | Node, Node]], crossings: list[Crossing]) -> Stage:
    numbers: dict[Node, int] = {}
    calls: list[Call] = []
    outputs: dict[int, list[str | Node]] = {}
    families: dict[Any, list[Call]] = {}

    def visit(node: Column) -> int:
        if node in numbers:
            return numbers[node]
        if isinstance(node, Call) and not _crosses(node):
            for argument in _read(node):
                visit(argument)
            calls.append(node)
            if family := FAMILIES.get(node.operator):
                families.setdefault((id(family), node.arguments[: family.shared]), []).append(node)
        return numbers.setdefault(node, len(numbers))

    for name, root in roots:
        assert isinstance(root, Field | Call)
        outputs.setdefault(visit(root), []).append(name)
    together = {member: members for members in families.values() for member in members}
    passes, made = [], set[int]()
    for call in calls:
        if numbers[call] in made:
            continue
        passes.append(_pass(call, together.get(call), numbers))
        made.update(passes[-1].gives)
    _free(passes)
    inputs = {n: i for n, i in numbers.items() if isinstance(n, Field) or (isinstance(n, Call) and _crosses(n))}
    return Stage(inputs, passes, outputs, crossings, [])


def _pass(call: Call, members: list[Call] | None, numbers: Mapping[Node, int]) -> Pass:
    if members is None:
        by_period = call.definition.scope is Scope.PERIODS
        kernel = (PERIODS if by_period else KERNELS)[call.operator]
        arguments = tuple(_given(a) if by_period else _number(a, numbers) for a in call.arguments)

        def alone(stack: Stack, *given: Any) -> list[Array]:
            return [kernel(stack, *given)]

        return Pass(alone, arguments, (numbers[call],))
    family = FAMILIES[call.operator]
    wanted = tuple(_member(member, family.shared) for member in members)
    gives = tuple(numbers[member] for member in members)
    shared = tuple(_number(a, numbers) for a in call.arguments[: family.shared])
    return Pass(partial(family.compute, wanted=wanted), shared, gives)


def _number(argument: Node, numbers: Mapping[Node, int]) -> Any:
    return argument.value if isinstance(argument, Constant) else numbers[argument]


def _member(call: Call, shared: int) -> Any:
    # what tells it from the others of its family: an argument of its own, else its name
    own = call.arguments[shared:]
    return _given(own[0]) if own else call.operator


def _free(passes: list[Pass]) -> None:
    # an output is written out by the pass that makes it; what nobody reads is freed there, too
    last: dict[int, Pass] = {}
    for step in passes:
        last |= dict.fromkeys((*step.gives, *(a for a in step.arguments if isinstance(a, int))), step)
    for number, step in last.items():
        step.frees.append(number)


def _spend(stages: list[Stage]) -> None:
    last: dict[Column, Stage] = {}
    for stage in stages:
        read = [a for c in stage.crossings for a in c.arguments if isinstance(a, Field) or _crosses(a)]
        last |= dict.fromkeys((*stage.inputs, *read), stage)
    for column, stage in last.items():
        stage.spent.append(column)
