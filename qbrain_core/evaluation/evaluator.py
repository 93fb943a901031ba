"""Judge factors one after another against the same labels."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.evaluation.breakdowns import by_quantile, by_time, earned, mean
from qbrain_core.evaluation.coefficients import MIN_CROSS_SECTION
from qbrain_core.evaluation.details import Details
from qbrain_core.evaluation.distribution import histogram, normal_quantiles, summary
from qbrain_core.evaluation.inference import MeanTest, half_life, mean_test
from qbrain_core.evaluation.portfolios import Portfolios, assign_quantiles, quantile_portfolios
from qbrain_core.evaluation.relations import rank_scores
from qbrain_core.evaluation.rules import FactorReport, Rules
from qbrain_core.evaluation.yardstick import Label, Yardstick
from qbrain_core.preprocess import log_size, neutralise, prepare, standardise, winsorise
from qbrain_core.sections import RowOrder, correlate

__all__ = ["Evaluator"]

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]
Mask = NDArray[np.bool_]

_SIZE_BUCKETS = 5
_SURE = 2.0  # errors from 0: what is not there cannot decay
_SHOWN_SESSIONS = 250  # evenly spread, for histograms


class Evaluator:
    """Holds what all factors of a run share: labels in order, groups, sizes.

    Parameters
    ----------
    yardstick : Yardstick
    rules : Rules
    label : ndarray, shape (n_signals, n_instruments), optional
        Correlated with instead of the return over `rules.horizon`; NaN where there is none.
    sectors : tuple of (ndarray of int, sequence of str), optional
        Code of each cell (-1: none), and the names of the codes.
    size : ndarray, shape (n_signals, n_instruments), optional
        Market value or what stands for it, above 0.
    exposures : sequence of ndarray, same shape
        Taken out where `rules.steps.neutralise` asks for it, besides sector and size.
    sample : ndarray of int, optional
        Sessions whose rank scores are kept for `relate`.
    """

    def __init__(
        self, yardstick: Yardstick, rules: Rules, *, label: Floats | None = None,
        sectors: tuple[Groups, Sequence[str]] | None = None, size: Floats | None = None,
        exposures: Sequence[Floats] = (), sample: NDArray[np.int64] | None = None,
    ) -> None:  # fmt: skip
        self.yardstick, self.rules, self.sample = yardstick, rules, sample
        self._own_label = None if label is None else np.where(yardstick.bought & np.isfinite(label), label, np.nan)
        self._sectors, self._size, self._exposures = sectors, size, exposures
        self._labels: dict[tuple[str, int], Label] = {}
        shown = np.linspace(0, len(yardstick.members) - 1, min(_SHOWN_SESSIONS, len(yardstick.members)))
        self._shown = np.unique(shown.round().astype(np.int64))

    @cached_property
    def label(self) -> Label:
        """What factors are correlated with."""
        return self._return(self.rules.horizon) if self._own_label is None else Label.of(self._own_label)

    def label_scores(self, sessions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Rank scores of the label on some sessions, for `relate`.

        Parameters
        ----------
        sessions : ndarray of int

        Returns
        -------
        ndarray of float32, shape (n_chosen, n_instruments)
        """
        return rank_scores(self.label.order.rows(sessions), self.label.known[sessions])

    def evaluate(self, values: Floats) -> FactorReport:
        """Judge one factor.

        Parameters
        ----------
        values : ndarray, shape (n_signals, n_instruments)
            Raw; NaN where the factor has no value.

        Returns
        -------
        FactorReport
        """
        yardstick, rules, details = self.yardstick, self.rules, Details()
        members = yardstick.members
        neutral = rules.steps.neutralise
        prepared = prepare(
            values, members, rules.steps, groups=self._sectors[0] if self._sectors and "sector" in neutral else None,
            exposures=(*((self._log_size,) if "size" in neutral else ()), *self._exposures),
        )  # fmt: skip
        known = np.isfinite(prepared)
        order = RowOrder.of(prepared)
        mask = known & self.label.known
        label_ranks = self.label.order.ranks(mask)
        ranks = order.ranks(mask)
        ic, count = _of_sessions(*correlate(prepared, self.label.values, mask))
        rank_ic, _ = _of_sessions(*correlate(ranks, label_ranks, mask))
        everyone = order.ranks(known)
        persistence = np.full(len(known), np.nan)
        if len(known) > rules.horizon:
            both = known[rules.horizon :] & known[: -rules.horizon]
            again = correlate(everyone[rules.horizon :], everyone[: -rules.horizon], both)
            persistence[rules.horizon :] = _of_sessions(*again)[0]
        codes = assign_quantiles(order, known, rules.quantiles)
        books = quantile_portfolios(
            codes, yardstick, quantiles=rules.quantiles, horizon=rules.horizon, cost_bps=rules.cost_bps
        )
        metrics = self._spread(values, known, details)
        metrics |= _figures("ic", mean_test(ic, horizon=rules.horizon), "icir")
        metrics |= _figures("rank_ic", mean_test(rank_ic, horizon=rules.horizon), "rank_icir")
        metrics |= {"half_life": self._decay(prepared, order, known, details)}
        metrics |= {"monotonicity": by_quantile(codes, self._return(rules.horizon), rules, details)}
        metrics |= earned(books, persistence, rules)
        metrics |= {"sessions": float(np.isfinite(rank_ic).sum()), "names": mean(count[np.isfinite(rank_ic)])}
        sessions = self._sessions(values, known, count, ic, rank_ic, persistence, books)
        by_time(sessions, rules, details)
        details.add_bins("ic_histogram", *histogram(rank_ic, bins=30, tail=0.0))
        for theoretical, observed in zip(*normal_quantiles(rank_ic), strict=True):
            details.add("ic_qq", f"{theoretical:.3f}", {"theoretical": theoretical, "observed": observed})
        self._by_group(order, mask, details)
        scores = np.empty((0, 0), np.float32)
        if self.sample is not None:
            scores = rank_scores(order.rows(self.sample), known[self.sample])
        return FactorReport(metrics, sessions, details.frame(), scores)

    def _return(self, horizon: int) -> Label:
        if ("held", horizon) not in self._labels:
            self._labels["held", horizon] = Label.of(self.yardstick.label(horizon))
        return self._labels["held", horizon]

    def _later(self, session: int) -> Label:
        if session == 1:
            return self._return(1)
        if ("alone", session) not in self._labels:
            self._labels["alone", session] = Label.of(self.yardstick.later_return(session))
        return self._labels["alone", session]

    @cached_property
    def _log_size(self) -> Floats:
        return np.full(self.yardstick.layout.shape, np.nan) if self._size is None else log_size(self._size)

    @cached_property
    def _size_codes(self) -> Groups:
        known = np.isfinite(self._log_size) & self.yardstick.members
        return assign_quantiles(RowOrder.of(np.where(known, self._log_size, np.nan)), known, _SIZE_BUCKETS)

    def _spread(self, values: Floats, known: Mask, details: Details) -> dict[str, float]:
        members = self.yardstick.members
        cells = values[members]
        metrics = {
            "coverage": float(np.count_nonzero(known)) / max(len(cells), 1),
            "nan_share": mean(np.isnan(cells)),
            "inf_share": mean(np.isinf(cells)),
        }
        metrics |= {k: v for k, v in summary(cells).items() if k in _SHOWN_MOMENTS}
        some = self._shown
        raw = np.where(members[some] & np.isfinite(values[some]), values[some], np.nan)
        shown = {"raw": raw}
        steps = self.rules.steps
        method = "mad" if steps.winsorise == "none" else steps.winsorise
        shown["winsorised"] = winsorise(raw, method=method, limit=steps.limit)
        scale = "zscore" if steps.standardise == "none" else steps.standardise
        shown["standardised"] = standardise(shown["winsorised"], method=scale)
        groups = None if self._sectors is None else self._sectors[0][some]
        sizes = () if self._size is None else (self._log_size[some],)
        if groups is not None or sizes:
            shown["neutralised"] = neutralise(shown["standardised"], groups=groups, exposures=sizes)
        for name, array in shown.items():
            details.add("distribution", name, summary(array))
            details.add_bins(f"histogram_{name}", *histogram(array))
        return metrics

    def _decay(self, prepared: Floats, order: RowOrder, known: Mask, details: Details) -> float:
        bought = known & self.yardstick.bought
        ranks = order.ranks(bought)  # a session has the return of a horizon for all that were bought, or for none
        strength: list[float] = []
        first = math.nan
        for horizon in self.rules.horizons:
            held, alone = self._return(horizon), self._later(horizon)
            mask = bought & held.known
            ic, _ = _of_sessions(*correlate(prepared, held.values, mask))
            rank_ic, _ = _of_sessions(*correlate(ranks, held.order.ranks(mask), mask))
            if alone is not held:
                later = bought & alone.known
                lagged, _ = _of_sessions(*correlate(ranks, alone.order.ranks(later), later))
            else:
                lagged = rank_ic
            test = mean_test(rank_ic, horizon=horizon)
            after = mean_test(lagged)
            first = first if strength else after.t
            strength.append(after.mean)
            measures = {"ic": mean_test(ic).mean, "rank_ic": test.mean, "rank_ic_t": test.t}
            details.add("decay", horizon, measures | {"lagged_rank_ic": strength[-1], "sessions": test.n})
        return half_life(self.rules.horizons, strength) if abs(first) >= _SURE else math.nan

    def _sessions(
        self, values: Floats, known: Mask, count: NDArray[np.int64], ic: Floats, rank_ic: Floats, persistence: Floats,
        books: Portfolios,
    ) -> pl.DataFrame:  # fmt: skip
        members = self.yardstick.members
        columns: Mapping[str, NDArray[np.generic]] = {
            "n_members": members.sum(axis=1).astype(np.int32),
            "n_values": (members & np.isfinite(values)).sum(axis=1).astype(np.int32),
            "n": count.astype(np.int32),
        }
        floats = {
            "ic": ic, "rank_ic": rank_ic, "rank_autocorrelation": persistence,
            "turnover": np.where(np.isfinite(books.net), books.traded / 4, np.nan),
            "gross": books.gross, "net": books.net, "universe_return": books.universe,
        } | {f"quantile_{k + 1}": books.quantiles[:, k] for k in range(self.rules.quantiles)}  # fmt: skip
        days = pl.Series("session", self.yardstick.layout.sessions, dtype=pl.Date)
        return pl.DataFrame([days]).with_columns(
            *(pl.Series(name, column) for name, column in columns.items()),
            *(pl.Series(name, column).fill_nan(None) for name, column in floats.items()),
        )

    def _by_group(self, order: RowOrder, mask: Mask, details: Details) -> None:
        found: dict[str, tuple[Groups, Sequence[object]]] = {}
        if self._sectors is not None:
            found["sector"] = self._sectors
        if self._size is not None:
            found["size"] = self._size_codes, range(1, _SIZE_BUCKETS + 1)
        for section, (groups, names) in found.items():
            within = order.ranks(mask, groups=groups), self.label.order.ranks(mask, groups=groups)
            coefficient, counts = correlate(*within, mask & (groups >= 0), groups=groups, n_groups=len(names))
            thin = counts < MIN_CROSS_SECTION
            found_within = np.where(thin, np.nan, coefficient)
            details.add_groups(section, names, found_within, counts, horizon=self.rules.horizon)


_SHOWN_MOMENTS = ("mean", "std", "skew", "kurtosis", "min", "median", "max")


def _of_sessions(coefficient: Floats, count: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    thin = count[:, 0] < MIN_CROSS_SECTION
    return np.where(thin, np.nan, coefficient[:, 0]), count[:, 0]


def _figures(name: str, test: MeanTest, ratio: str) -> dict[str, float]:
    return {
        f"{name}_mean": test.mean, f"{name}_std": test.std, ratio: test.ratio, f"{name}_t": test.t,
        f"{name}_p": test.p, f"{name}_positive": test.positive,
    }  # fmt: skip
