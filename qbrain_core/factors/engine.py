"""Evaluate sets of expressions over long frames, block of instruments by block."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import polars as pl

from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.factors.expression import Node, fields, parse, reads_future
from qbrain_core.factors.kernels.statements import Statements
from qbrain_core.factors.panel import KEY, Panel
from qbrain_core.factors.plan import make_plan
from qbrain_core.factors.stages import run
from qbrain_core.reporting import NULL_REPORTER, Reporter

__all__ = ["compute", "compute_blocks"]


def compute(
    expressions: Mapping[str, str],
    bars: pl.DataFrame,
    *,
    statements: pl.DataFrame | None = None,
    calendar: Sequence[date] | None = None,
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
        (`expression_fields` makes such a frame from bars of the lake). Null and NaN are the same. A session of the
        calendar that an instrument lacks between its first and last one counts as a row without values, as in Qlib.
        Operators across instruments see the rows of a session, and no others.
    statements : DataFrame, columns (instrument: str, period: int, known_at: date, field: str, value: number), optional
        What `$$` fields read: one row per item and report, dated by when it became known.
    calendar : sequence of date, optional
        Sessions that count as rows; default: those in the frame. Needed where the frame is a part of a market.
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
        expression, `bars` repeats a row, lacks a key column or has a session outside the calendar, or a field holds no
        numbers.
    UnknownNameError
        If an expression reads a field that `bars` has no column for.
    JobCancelledError
        If the reporter says so.
    """
    blocks = compute_blocks(
        expressions, bars, statements=statements, calendar=calendar, allow_future=allow_future, start=start, end=end,
        threads=threads, reporter=reporter,
    )  # fmt: skip
    frames = list(blocks)
    if not frames:
        dtypes = {key: bars.schema[key] for key in KEY}
        return pl.DataFrame(schema={**dtypes, **dict.fromkeys(expressions, pl.Float32)})
    return pl.concat(frames, rechunk=False)


def compute_blocks(
    expressions: Mapping[str, str],
    bars: pl.DataFrame,
    *,
    statements: pl.DataFrame | None = None,
    calendar: Sequence[date] | None = None,
    allow_future: bool = False,
    start: date | None = None,
    end: date | None = None,
    threads: int = 1,
    reporter: Reporter = NULL_REPORTER,
) -> Iterator[pl.DataFrame]:
    """Compute factors in frames that need not all fit in memory.

    Parameters
    ----------
    expressions, bars, statements, calendar, allow_future, start, end, threads, reporter
        As for `compute`.

    Returns
    -------
    iterator of DataFrame
        Frames of whole instruments, which together are what `compute` returns, in its order. At most `threads` + 2 are
        alive at once, of some 100,000 rows each. What operators across instruments read and give is held for all of
        `bars` besides. Its threads end with it: exhaust or close it.

    Raises
    ------
    FactorSyntaxError, InvalidInputError, UnknownNameError
        At once, as `compute` does.
    JobCancelledError
        If the reporter says so; while frames are taken.
    """
    roots = _parse_all(expressions, bars.columns, allow_future)
    names = sorted(set().union(*(fields(r) for r in roots.values())))
    known = None if statements is None else Statements(statements)
    panel = Panel(bars, names, statements=known, calendar=calendar)
    return run(make_plan(roots), panel, list(roots), span=(start, end), threads=threads, reporter=reporter)


def _parse_all(expressions: Mapping[str, str], columns: Sequence[str], allow_future: bool) -> dict[str, Node]:
    if not expressions:
        raise InvalidInputError("expressions", {}, "at least one is needed")
    roots = {}
    for name, text in expressions.items():
        parameter = f"expressions[{name!r}]"
        if not name or name in KEY:
            raise InvalidInputError("expressions", name, "a factor needs a name other than instrument and session")
        roots[name] = parse(text, parameter=parameter)
        if not allow_future and reads_future(roots[name]):
            raise InvalidInputError(parameter, text, "it looks ahead (a negative Ref or Delta), which only a label may")
        for column in sorted(fields(roots[name])):
            if column not in columns or column in KEY:
                raise UnknownNameError(f"{parameter} field", column, [c for c in columns if c not in KEY])
    return roots
