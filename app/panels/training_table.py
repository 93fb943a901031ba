"""Trainings as a table: what was learned from what, and how well it ranked."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from app import figures
from app.grid import table_height
from app.panels.job_table import STATUS_COLOURS, elapsed_s
from app.panels.wording import STATUSES
from app.routes import go
from app.session import t

if TYPE_CHECKING:
    from jobs import Job

__all__ = ["draw_trainings", "trainings_frame"]


def trainings_frame(batch: Sequence["Job"], now: datetime | None = None) -> pl.DataFrame:
    """Lay trainings out as rows.

    Parameters
    ----------
    batch : sequence of Job
        Of kind train.
    now : datetime, optional

    Returns
    -------
    DataFrame, columns (id, model, status, market, factor_set, universe, family, elapsed: str, version, best: i64,
            rank_ic, rank_icir: f64, created_at: datetime)
        In the same order; figures are those of the test segment, null unless the training succeeded.
    """
    rows = []
    for job in batch:
        dataset, result = job.spec.get("dataset", {}), job.result or {}
        test = result.get("metrics", {}).get("test", {})
        rows.append(
            {
                "id": job.id,
                "model": job.spec.get("register_as", job.name),
                "status": str(job.status),
                "market": dataset.get("market"),
                "factor_set": dataset.get("factor_set"),
                "universe": dataset.get("universe"),
                "family": job.spec.get("model", {}).get("family"),
                "elapsed": figures.duration(elapsed_s(job, now)),
                "version": result.get("version"),
                "best": result.get("best_iteration"),
                "rank_ic": test.get("rank_ic"),
                "rank_icir": test.get("rank_icir"),
                "created_at": job.created_at,
            }
        )
    texts = ("id", "model", "status", "market", "factor_set", "universe", "family", "elapsed")
    schema = {
        **dict.fromkeys(texts, pl.String), "version": pl.Int64, "best": pl.Int64, "rank_ic": pl.Float64,
        "rank_icir": pl.Float64, "created_at": pl.Datetime("us", "UTC"),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def draw_trainings(batch: Sequence["Job"]) -> None:
    """Draw the table; a click on a row opens its monitor.

    Parameters
    ----------
    batch : sequence of Job
    """
    frame = trainings_frame(batch)
    said = {code: t(text) for code, text in STATUSES.items()}
    column = st.column_config
    chosen = st.dataframe(
        frame.with_columns(pl.concat_list(pl.col("status").replace(said))),
        key="trainings",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-cell",
        height=table_height(frame.height),
        placeholder="–",
        column_order=[name for name in frame.columns if name != "id"],
        column_config={
            "model": column.TextColumn(t("Model"), width="medium"),
            "status": column.MultiselectColumn(
                t("Status"), options=list(said.values()), color=STATUS_COLOURS, width=100
            ),
            "market": column.TextColumn(t("Market"), width="small"),
            "factor_set": column.TextColumn(t("Factor set"), width="small"),
            "universe": column.TextColumn(t("Universe"), width="small"),
            "family": column.TextColumn(t("Family"), width="small"),
            "elapsed": column.TextColumn(t("Took"), width="small"),
            "version": column.NumberColumn(t("Version"), width="small"),
            "best": column.NumberColumn(t("Best iteration"), width="small"),
            "rank_ic": column.NumberColumn(t("Test rank IC"), format="%.4f", width="small"),
            "rank_icir": column.NumberColumn(t("Test rank ICIR"), format="%.3f", width="small"),
            "created_at": column.DatetimeColumn(t("Submitted (UTC)"), format="YYYY-MM-DD HH:mm"),
        },
        alt=t("Trainings"),
    )
    cells = chosen.selection.cells
    if cells and cells[0][0] < frame.height:
        go("training", job=frame["id"][cells[0][0]])
