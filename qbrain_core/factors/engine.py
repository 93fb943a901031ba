"""Evaluate sets of expressions over long frames, block of instruments by block."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.factors.expression import Call, Field, Node, Number, fields, parse, reads_future
from qbrain_core.factors.kernels import KERNELS, Array, Stack
from qbrain_core.reporting import NULL_REPORTER, Reporter

__all__ = ["compute"]

_KEY = ("instrument", "session")
_NUMBER = "session number"  # counts sessions of the frame's calendar; no field can be called so
_BLOCK_ROWS = 100_000  # bounds memory: some forty columns of a block are alive at once


def compute(
    expressions: Mapping[str, str],
    bars: pl.DataFrame,
    *,
    allow_future: bool = False,
    start: date | None = None,
    end: date | None = None,
    reporter: Reporter = NULL_REPORTER,
) -> pl.DataFrame:
    """Compute factors.

    Values agree with Qlib's expression engine: inputs are rounded to float32 first, sums run in float64, one value in a
    window suffices. Sub-expressions that several factors share are computed once.

    Parameters
    ----------
    expressions : mapping of str to str
        Factor name → expression in Qlib's syntax.
    bars : DataFrame, columns (instrument: str, session: date, and every field the expressions read: number)
        One row per instrument and session, in any order; `$close` reads the column `close`, in Qlib's meaning
        (`expression_fields` makes such a frame from bars of the lake). Null and NaN are the same. All instruments share
        one calendar: the sessions in the frame. A session that an instrument lacks between its first and last one
        counts as a row without values, as in Qlib.
    allow_future : bool
        Accept a negative `Ref` or `Delta`. Only for labels: a factor that looks ahead makes every test of it worthless.
    start, end : date, optional
        First and last session returned; earlier rows still feed the windows.
    reporter : Reporter
        Told of each block, and asked before each whether to stop.

    Returns
    -------
    DataFrame, columns (instrument, session, then one float32 per factor)
        The rows of `bars` from `start` to `end`, sorted by instrument and session. Null where a factor has no value;
        infinite where it divides by zero.

    Raises
    ------
    FactorSyntaxError
        If an expression cannot be read.
    InvalidInputError
        If an expression looks ahead and `allow_future` is false, a name is taken by a key column, there is no
        expression, `bars` repeats a row or lacks a key column, or a field holds no numbers.
    UnknownNameError
        If an expression reads a field that `bars` has no column for.
    JobCancelledError
        If the reporter says so.
    """
    roots = _parse_all(expressions, bars.columns, allow_future)
    names = sorted(set().union(*(fields(r) for r in roots.values())))
    table = _tidy(bars, names)
    wanted = pl.lit(True)
    if start is not None:
        wanted &= pl.col("session") >= start
    if end is not None:
        wanted &= pl.col("session") <= end
    plan = _plan(roots)
    blocks: list[pl.DataFrame] = [_empty(table, list(roots))]
    for first, last in _blocks(table):
        reporter.check()
        reporter.stage("compute", fraction=first / table.height)
        block = table.slice(first, last - first)
        values = _evaluate(plan, block, reporter)
        blocks.append(block.select(_KEY).hstack([values[name] for name in roots]).filter(wanted))
    reporter.stage("compute", fraction=1.0)
    return pl.concat(blocks, rechunk=False)


def _parse_all(expressions: Mapping[str, str], columns: Sequence[str], allow_future: bool) -> dict[str, Node]:
    if not expressions:
        raise InvalidInputError("expressions", {}, "at least one is needed")
    roots = {}
    for name, text in expressions.items():
        parameter = f"expressions[{name!r}]"
        if not name or name in _KEY:
            raise InvalidInputError("expressions", name, "a factor needs a name other than instrument and session")
        roots[name] = parse(text, parameter=parameter)
        if not allow_future and reads_future(roots[name]):
            raise InvalidInputError(parameter, text, "it looks ahead (a negative Ref or Delta), which only a label may")
        for column in sorted(fields(roots[name])):
            if column not in columns or column in _KEY:
                raise UnknownNameError(f"{parameter} field", column, [c for c in columns if c not in _KEY])
    return roots


def _tidy(bars: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    # keys, the fields as float32 (Qlib's storage), and the session's number
    for key in _KEY:
        if key not in bars.columns or bars[key].null_count():
            raise InvalidInputError("bars", key, "this column must be there and never null")
    for name in names:
        if not (bars.schema[name].is_numeric() or bars.schema[name] in (pl.Boolean, pl.Null)):
            raise InvalidInputError(f"bars.{name}", bars.schema[name], "a field that an expression reads holds numbers")
    table = bars.select(*_KEY, pl.col(names).cast(pl.Float32)).sort(_KEY)
    repeated = table.select(_KEY).is_duplicated()
    if repeated.any():
        example = table.select(_KEY).filter(repeated).row(0)
        raise InvalidInputError("bars", example, "a frame has one row per instrument and session")
    return table.with_columns(pl.col("session").rank("dense").cast(pl.Int64).alias(_NUMBER))


def _empty(table: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(schema={**{k: table.schema[k] for k in _KEY}, **dict.fromkeys(names, pl.Float32)})


def _starts(table: pl.DataFrame) -> NDArray[np.int64]:
    changed = (table["instrument"] != table["instrument"].shift(1)).fill_null(True)
    return np.flatnonzero(changed.to_numpy())


def _blocks(table: pl.DataFrame) -> Iterator[tuple[int, int]]:
    # row ranges of whole instruments, none longer than _BLOCK_ROWS unless one instrument is
    if table.is_empty():
        return
    edges = [*_starts(table)[1:].tolist(), table.height]
    first = previous = 0
    for edge in edges:
        if edge - first > _BLOCK_ROWS and previous > first:
            yield first, previous
            first = previous
        previous = edge
    yield first, table.height


@dataclass(frozen=True, slots=True)
class _Plan:
    # every node after the nodes it reads, how often each is read, and which outputs it is
    order: tuple[Node, ...]
    uses: Mapping[Node, int]
    outputs: Mapping[Node, Sequence[str]]


def _plan(roots: Mapping[str, Node]) -> _Plan:
    order: dict[Node, None] = {}
    uses: Counter[Node] = Counter(roots.values())
    outputs: dict[Node, list[str]] = {}
    for name, root in roots.items():
        outputs.setdefault(root, []).append(name)

    def visit(node: Node) -> None:
        if node in order or isinstance(node, Number):
            return
        if isinstance(node, Call):
            for argument in node.arguments:
                visit(argument)
            uses.update(a for a in node.arguments if not isinstance(a, Number))
        order[node] = None

    for root in outputs:
        visit(root)
    return _Plan(tuple(order), uses, outputs)


def _evaluate(plan: _Plan, block: pl.DataFrame, reporter: Reporter) -> dict[str, pl.Series]:
    starts = _starts(block)
    counts = np.diff([*starts, block.height])
    number = block[_NUMBER].to_numpy()
    since = number - np.repeat(number[starts], counts)
    lengths = since[starts + counts - 1] + 1
    stack = Stack(lengths)
    place = since + np.repeat(np.cumsum(lengths) - lengths, counts)  # of each row of the block in the stack

    alive: dict[Node, Array] = {}
    left = dict(plan.uses)
    done: dict[str, pl.Series] = {}

    def release(node: Node, times: int = 1) -> None:
        if not isinstance(node, Number):
            left[node] -= times
            if not left[node]:
                del alive[node]

    with np.errstate(all="ignore"):
        for node in plan.order:
            match node:
                case Field(name):
                    alive[node] = np.full(len(stack.first), np.nan, np.float32)
                    alive[node][place] = block[name].to_numpy()
                case Call(operator, arguments):
                    given = [a.value if isinstance(a, Number) else alive[a] for a in arguments]
                    alive[node] = KERNELS[operator](stack, *given)
                    for argument in arguments:
                        release(argument)
            if outputs := plan.outputs.get(node):
                column = pl.Series(alive[node].astype(np.float32)[place], nan_to_null=True)
                done |= {name: column.alias(name) for name in outputs}
                release(node, len(outputs))
                reporter.check()
    return done
