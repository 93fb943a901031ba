"""Put a reference instrument as far out in a tree as it can stand, so that windows run over its own rows."""

from dataclasses import dataclass

from qbrain_core.factors.operators import Kind, Scope
from qbrain_core.factors.tree import Call, Node, Number, Text

__all__ = ["outward"]


def outward(node: Node) -> Node:
    """Rewrite a tree so that what reads one other instrument alone is computed on that instrument's rows.

    In Qlib, `Mean(ChangeInstrument('SH000300', $close), 5)` averages the index's last five sessions, also on the day a
    stock is listed; so does `ChangeInstrument('SH000300', Mean($close, 5))`, which this makes of it.

    Parameters
    ----------
    node : Node

    Returns
    -------
    Node
        `Mask(x, i)` has become `ChangeInstrument(i, x)`.
    """
    return _part(node).node


@dataclass(frozen=True, slots=True)
class _Part:
    node: Node  # rewritten
    instrument: Text | None = None  # the only one it reads, if that is another
    inner: Node | None = None  # what to compute on that one's rows


def _part(node: Node) -> _Part:
    if not isinstance(node, Call) or node.definition.scope is Scope.PERIODS:
        return _Part(node)
    parts = [_part(a) for a in node.arguments]
    if node.definition.scope is Scope.OTHER:
        (instrument,) = (a for a in node.arguments if isinstance(a, Text))
        (read,) = (p for p in parts if not isinstance(p.node, Text))
        return read if read.instrument else _of(instrument, read.node, node)
    rewritten = Call(node.operator, tuple(p.node for p in parts), at=node.at)
    read_by = {p.instrument for p in parts if not isinstance(p.node, Number | Text)}
    other = read_by.pop() if len(read_by) == 1 else None
    if node.definition.scope is not Scope.OWN or other is None:
        return _Part(rewritten)
    inner = Call(node.operator, tuple(p.inner or p.node for p in parts), at=node.at)
    if node.kind is Kind.CONDITION:  # stays one: a reference without a row would give it no value
        return _Part(rewritten, other, inner)
    return _of(other, inner, node)


def _of(instrument: Text, inner: Node, origin: Call) -> _Part:
    return _Part(Call("ChangeInstrument", (instrument, inner), at=origin.at), instrument, inner)
