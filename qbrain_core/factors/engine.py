"""Evaluate sets of expressions over long frames, block of instruments by block."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.factors.columns import nullable
from qbrain_core.factors.expression import Node, fields, parse, reads_future
from qbrain_core.factors.kernels import Array, Stack
from qbrain_core.factors.plan import Plan, make_plan
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
    threads: int = 1,
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
    threads : int
        Blocks of instruments computed at once.
    reporter : Reporter
        Told of each block, and asked after each factor whether to stop; called from the threads, too.

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
    plan, order = make_plan(roots), list(roots)
    frames: list[pl.DataFrame] = [_empty(table, order)]
    edges = list(_blocks(table))
    blocks = (table.slice(first, last - first) for first, last in edges)
    pool = ThreadPoolExecutor(threads)
    try:
        reporter.check()
        made = pool.map(lambda block: _evaluate(plan, block, order, reporter), blocks)
        for (_, last), frame in zip(edges, made, strict=True):
            frames.append(frame if start is None and end is None else frame.filter(wanted))
            reporter.stage("compute", fraction=last / table.height)
            reporter.check()
    finally:
        pool.shutdown(cancel_futures=True)
    return pl.concat(frames, rechunk=False)


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
    table = bars.select(*_KEY, pl.col(names).cast(pl.Float32))
    if not _ordered(table):
        table = table.sort(_KEY)
    follows = (table["instrument"] == table["instrument"].shift(1)) & (table["session"] == table["session"].shift(1))
    if follows.any():
        example = table.select(_KEY).filter(follows).row(0)
        raise InvalidInputError("bars", example, "a frame has one row per instrument and session")
    number = table["session"].unique().sort().search_sorted(table["session"])
    return table.with_columns(number.cast(pl.Int64).alias(_NUMBER))


def _ordered(table: pl.DataFrame) -> bool:
    # by instrument and session; cheaper to see than to sort
    names = table["instrument"].gather(_starts(table))
    if not names.is_sorted() or names.n_unique() < names.len():
        return False
    back = (table["instrument"] == table["instrument"].shift(1)) & (table["session"] < table["session"].shift(1))
    return not back.any()


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


def _evaluate(plan: Plan, block: pl.DataFrame, names: Sequence[str], reporter: Reporter) -> pl.DataFrame:
    starts = _starts(block)
    counts = np.diff([*starts, block.height])
    number = block[_NUMBER].to_numpy()
    since = number - np.repeat(number[starts], counts)
    lengths = since[starts + counts - 1] + 1
    stack = Stack(lengths)
    place = since + np.repeat(np.cumsum(lengths) - lengths, counts)  # of each row of the block in the stack
    seat = place[:0] if stack.rows == block.height else place  # nobody lacks a session: rows stand as they are
    alive: dict[int, Array] = {}
    done: dict[str, pl.Series] = {}

    def finish(made: int) -> None:
        if outputs := plan.outputs.get(made):
            column = nullable(alive[made], seat)
            done.update((name, column.alias(name)) for name in outputs)

    for field, made in plan.fields.items():
        alive[made] = np.full(stack.rows, np.nan, np.float32)
        alive[made][place] = block[field].to_numpy()
        finish(made)
    with np.errstate(all="ignore"):
        for step in plan.passes:
            given = [alive[a] if isinstance(a, int) else a for a in step.arguments]
            for made, values in zip(step.gives, step.compute(stack, *given), strict=True):
                alive[made] = values
                finish(made)
            for spent in step.frees:
                del alive[spent]
            if any(made in plan.outputs for made in step.gives):
                reporter.check()
    return block.select(_KEY).hstack([done[name] for name in names])
