"""Typed reads of evaluations: how well factors ordered the returns that followed."""

from typing import Any

import polars as pl

from lake.catalog import AsOf
from lake.reads.rows import RowReads
from qbrain_core.errors import UnknownNameError
from qbrain_core.evaluation.details import SECTIONS, spread_section

__all__ = ["EvaluationReads"]

_JSON_COLUMNS = ("spec", "pins", "conventions", "counts")
_ROLLING = 20


class EvaluationReads(RowReads):
    """Reads of the tables that `kind: evaluate` writes."""

    def evaluations(
        self, *, limit: int = 200, market: str | None = None, factor_set: str | None = None,
        factor: str | None = None, as_of: AsOf = None,
    ) -> pl.DataFrame:  # fmt: skip
        """List finished evaluations.

        Parameters
        ----------
        limit : int
        market, factor_set : str, optional
        factor : str, optional
            Only those that judged a factor of this name.
        as_of : optional

        Returns
        -------
        DataFrame
            Columns of `evaluations`, newest first.
        """
        values = {"market": [market] if market else None, "factor_set": [factor_set] if factor_set else None}
        rows = self._rows("evaluations", as_of, {}, values)
        if factor is not None:
            judged = self._rows("evaluation_factors", as_of, {}, {"factor": [factor]}).select("run_id")
            rows = rows.join(judged, on="run_id", how="semi")
        return rows.sort("created_at", "run_id", descending=[True, False]).head(limit).collect()

    def evaluation(self, run_id: str, *, as_of: AsOf = None) -> dict[str, Any] | None:
        """Read what one evaluation was.

        Parameters
        ----------
        run_id : str
        as_of : optional

        Returns
        -------
        dict or None
            Values by column, with spec, pins, conventions and counts decoded; None where there is no such evaluation.
        """
        return self._record("evaluations", run_id, as_of, _JSON_COLUMNS)

    def evaluation_factors(self, run_id: str, *, as_of: AsOf = None) -> pl.DataFrame:
        """Read the figures of every factor of one evaluation.

        Parameters
        ----------
        run_id : str
        as_of : optional

        Returns
        -------
        DataFrame
            Columns of `evaluation_factors`, by factor.
        """
        return self._rows("evaluation_factors", as_of, {}, {"run_id": [run_id]}).sort("factor").collect()

    def evaluation_sessions(self, run_id: str, factor: str, *, as_of: AsOf = None) -> pl.DataFrame:
        """Read one factor session by session.

        Parameters
        ----------
        run_id, factor : str
        as_of : optional

        Returns
        -------
        DataFrame
            Columns of `evaluation_sessions` from `session` on, less quantiles that were not asked for, and
            `rank_ic_mean_20` (mean of the last 20 sessions, null while there are fewer than 10 values) and
            `rank_ic_cumulative` (sum so far; a session without a value adds nothing).
        """
        keys = {"run_id": [run_id], "factor": [factor]}
        rows = self._rows("evaluation_sessions", as_of, {}, keys).sort("session").collect()
        unused = [name for name in rows.columns if name.startswith("quantile_") and rows[name].is_null().all()]
        later = {name: int(name.removeprefix("quantile_")) for name in rows.columns if name.startswith("quantile_")}
        used = max((k for name, k in later.items() if name not in unused), default=0)
        return rows.drop("run_id", "month", "factor", *(name for name, k in later.items() if k > used)).with_columns(
            rank_ic_mean_20=pl.col("rank_ic").rolling_mean(_ROLLING, min_samples=_ROLLING // 2),
            rank_ic_cumulative=pl.col("rank_ic").fill_null(0).cum_sum(),
        )

    def evaluation_details(self, run_id: str, factor: str, section: str, *, as_of: AsOf = None) -> pl.DataFrame:
        """Read one small table of the report on one factor.

        Parameters
        ----------
        run_id, factor : str
        section : str
            Key of `qbrain_core.evaluation.details.SECTIONS`.
        as_of : optional

        Returns
        -------
        DataFrame
            `item` and a column per measure of the section, in order; empty where the report has nothing there.

        Raises
        ------
        UnknownNameError
            If there is no such section.
        """
        if section not in SECTIONS:
            raise UnknownNameError("section", section, SECTIONS)
        keys = {"run_id": [run_id], "factor": [factor], "section": [section]}
        return spread_section(self._rows("evaluation_details", as_of, {}, keys).collect(), section)
