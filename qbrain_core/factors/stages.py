"""Run a plan on a panel: blocks of instruments side by side, then sessions across instruments."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import TypeVar

import numpy as np
import polars as pl

from qbrain_core.compiled import telling
from qbrain_core.factors.columns import nullable
from qbrain_core.factors.kernels import Array
from qbrain_core.factors.panel import Block, Panel, Piece
from qbrain_core.factors.plan import Crossing, Stage
from qbrain_core.factors.tree import Call, Field, Node
from qbrain_core.reporting import Reporter

__all__ = ["run"]

_BLOCK_ROWS = 100_000  # bounds memory: some forty columns of a block are alive at once

Item = TypeVar("Item")
Result = TypeVar("Result")


def run(
    stages: Sequence[Stage],
    panel: Panel,
    names: Sequence[str],
    *,
    span: tuple[date | None, date | None] = (None, None),
    threads: int = 1,
    reporter: Reporter,
) -> Iterator[pl.DataFrame]:
    """Compute factors, one frame per block of instruments.

    Parameters
    ----------
    stages : sequence of Stage
    panel : Panel
        Gets the columns across instruments stored, and loses all that nothing reads any more.
    names : sequence of str
        Factors, in the order of their columns.
    span : pair of date or None
        First and last session to give.
    threads : int
        Blocks computed at once; each thread ends before the iterator does.
    reporter : Reporter

    Yields
    ------
    DataFrame, columns (instrument, session, then one float32 per factor)
        At most `threads` + 2 are alive at once.

    Raises
    ------
    JobCancelledError
        If the reporter says so.
    """
    reporter.check()
    if not panel.rows:
        return
    with telling(reporter):
        pieces = list(panel.pieces(_BLOCK_ROWS)) if len(stages) > 1 else []
        for number, stage in enumerate(stages):
            done = 0
            kept: dict[Node, Array] = {}
            last = stage is stages[-1]
            work = _framed(stage, panel, names, span, reporter) if last else _kept(stage, panel, kept, reporter)
            blocks = panel.blocks(_BLOCK_ROWS) if stage.outputs else ()
            for block, frame in _side_by_side(work, blocks, threads):
                if frame is not None:
                    yield frame
                done += block.last - block.first
                reporter.stage("compute", fraction=(number + done / panel.rows) / len(stages))
                reporter.check()
            for crossing in stage.crossings:
                _cross(crossing, panel, pieces, kept, threads)
                reporter.check()
            for column in stage.spent:
                panel.drop(column)


def _framed(
    stage: Stage, panel: Panel, names: Sequence[str], span: tuple[date | None, date | None], reporter: Reporter
) -> Callable[[Block], tuple[Block, pl.DataFrame | None]]:
    start, end = span[0] or date.min, span[1] or date.max

    def work(block: Block) -> tuple[Block, pl.DataFrame | None]:
        keys = panel.keys[block.first : block.last]
        wanted = keys["session"].is_between(start, end)
        if not wanted.any():
            return block, None
        place = block.place
        if not wanted.all():
            keys, chosen = keys.filter(wanted), np.flatnonzero(wanted.to_numpy())
            place = place[chosen] if place.size else chosen
        made = {output: nullable(values, place) for output, values in _evaluate(stage, panel, block, reporter)}
        return block, keys.hstack([made[name].alias(name) for name in names])

    return work


def _kept(
    stage: Stage, panel: Panel, kept: dict[Node, Array], reporter: Reporter
) -> Callable[[Block], tuple[Block, pl.DataFrame | None]]:
    def work(block: Block) -> tuple[Block, pl.DataFrame | None]:
        for made, values in _evaluate(stage, panel, block, reporter):
            assert not isinstance(made, str)
            whole = kept.setdefault(made, np.empty(panel.rows, values.dtype))
            whole[block.first : block.last] = block.gather(values)
        return block, None

    return work


def _evaluate(stage: Stage, panel: Panel, block: Block, reporter: Reporter) -> Iterator[tuple[str | Node, Array]]:
    # every output once, as soon as it is made; columns are read when first needed
    columns = {made: column for column, made in stage.inputs.items()}
    alive: dict[int, Array] = {}

    def read(number: int) -> Array:
        if number not in alive:
            alive[number] = block.spread(panel.values(columns[number], block.first, block.last))
        return alive[number]

    with np.errstate(all="ignore"):
        for step in stage.passes:
            given = [read(a) if isinstance(a, int) else a for a in step.arguments]
            for made, values in zip(step.gives, step.compute(block.stack, *given), strict=True):
                alive[made] = values
                yield from ((output, values) for output in stage.outputs.get(made, ()))
            del given
            for spent in step.frees:
                del alive[spent]
            if any(made in stage.outputs for made in step.gives):
                reporter.check()
    for made in columns.keys() & stage.outputs.keys():
        yield from ((output, read(made)) for output in stage.outputs[made])


def _cross(crossing: Crossing, panel: Panel, pieces: Sequence[Piece], kept: dict[Node, Array], threads: int) -> None:
    read = [a for a in crossing.arguments if isinstance(a, Field | Call)]
    whole = {a: kept[a] if a in kept else panel.values(a, 0, panel.rows) for a in read}
    for column in crossing.frees:
        kept.pop(column, None)
    result = np.empty(panel.rows)

    def work(piece: Piece) -> None:
        given = [whole[a][piece.rows] if a in whole else a for a in crossing.arguments]
        with np.errstate(all="ignore"):
            result[piece.rows] = crossing.compute(piece.stack, *given)

    for _ in _side_by_side(work, pieces, threads):
        pass
    panel.store(crossing.call, result)


def _side_by_side(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    # in order; no more begun than can be held
    pool = ThreadPoolExecutor(threads)
    begun: deque[Future[Result]] = deque()
    try:
        for item in items:
            begun.append(pool.submit(work, item))
            if len(begun) > threads:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
