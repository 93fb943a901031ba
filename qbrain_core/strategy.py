"""Decide from the scores of one session which positions to leave and which to open at the next one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Decision", "topk_dropout"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Columns to sell (best score first) and to buy (best score first)."""

    sell: tuple[int, ...] = ()
    buy: tuple[int, ...] = ()


def topk_dropout(
    scores: NDArray[np.float64],
    held: Sequence[int],
    *,
    topk: int,
    n_drop: int,
    locked: Collection[int] = (),
    barred: Collection[int] = (),
) -> Decision:
    """Hold the k best, replacing at most n of the worst held, as Qlib's TopkDropoutStrategy does [1]_.

    The held names and the best `n_drop + topk - len(held)` others are ranked together; held names among the last
    `n_drop` of that ranking are sold, and the best others fill the slots that are then free. A held name without a
    score ranks last. Ties go to the lower column.

    Parameters
    ----------
    scores : array, shape (n_instruments,)
        Score of each column, higher is better, NaN where there is none. Known at the decision's own close.
    held : sequence of int
        Columns held.
    topk : int
        Positions wanted.
    n_drop : int
        Positions replaced at most.
    locked : collection of int
        Held columns that may not be sold yet (minimum holding time); no slot is counted free for them.
    barred : collection of int
        Columns that may not be bought, such as positions that are already on their way out.

    Returns
    -------
    Decision
        Empty where no column has a score.

    References
    ----------
    .. [1] qlib.contrib.strategy.TopkDropoutStrategy, `method_sell="bottom"`, `method_buy="top"`. Where Qlib differs:
       its `n_drop=0` sells everything (`list[-0:]`), more than `topk + n_drop` holdings make it buy (a negative
       slice), and a sale that the holding time forbids still frees a slot.
    """
    if not np.isfinite(scores).any():
        return Decision()
    ranking = np.argsort(-np.where(np.isfinite(scores), scores, -np.inf), kind="stable").tolist()
    owned, out = set(held), set(barred)
    kept = [c for c in ranking if c in owned]
    others = (c for c in ranking if c not in owned and c not in out and np.isfinite(scores[c]))
    fresh = [c for _, c in zip(range(max(n_drop + topk - len(kept), 0)), others, strict=False)]
    pool = owned | set(fresh)
    last = set([c for c in ranking if c in pool][-n_drop:]) if n_drop else set()
    sell = tuple(c for c in kept if c in last and c not in locked)
    return Decision(sell, tuple(fresh[: max(len(sell) + topk - len(kept), 0)]))
