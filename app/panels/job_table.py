"""Jobs as a table: one row each, with what a list shows and a way to open them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from app import figures
from app.grid import table_height
from app.panels.wording import KINDS, STAGES, STATUS_TONES, STATUSES
from app.routes import go
from app.session import t

if TYPE_CHECKING:
    from jobs import Job

__all__ = ["STATUS_COLOURS", "draw_jobs", "elapsed_s", "jobs_frame"]

STATUS_COLOURS = ["orange" if tone == "amber" else tone for tone in (STATUS_TONES[code] for code in STATUSES)]
"""Colours of the states for a column of chips, in the order of `STATUSES`."""


def elapsed_s(job: "Job", now: datetime | None = None) -> float | None:
    """Seconds a job has run, or ran.

    Parameters
    ----------
    job : Job
    now : datetime, optional

    Returns
    -------
    float or None
        None before it started.
    """
    if job.started_at is None:
        return None
    return ((job.finished_at or now or datetime.now(UTC)) - job.started_at).total_seconds()


def jobs_frame(batch: Sequence["Job"], now: datetime | None = None) -> pl.DataFrame:
    """Lay jobs out as rows.

    Parameters
    ----------
    batch : sequence of Job
    now : datetime, optional

    Returns
    -------
    DataFrame, columns (id, name, kind, status: str, stage: str, progress: f64, owner: str, created_at: datetime,
            elapsed: str, attempt: i64, error: str)
        In the same order; `progress` is null unless the job runs.
    """
    rows = [
        {
            "id": job.id,
            "name": job.name or job.id,
            "kind": job.kind,
            "status": str(job.status),
            "stage": job.stage or "",
            "progress": job.progress if str(job.status) == "running" else None,
            "owner": job.owner,
            "created_at": job.created_at,
            "elapsed": figures.duration(elapsed_s(job, now)),
            "attempt": job.attempt,
            "error": job.error or "",
        }
        for job in batch
    ]
    schema = {
        "id": pl.String, "name": pl.String, "kind": pl.String, "status": pl.String, "stage": pl.String,
        "progress": pl.Float64, "owner": pl.String, "created_at": pl.Datetime("us", "UTC"), "elapsed": pl.String,
        "attempt": pl.Int64, "error": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def draw_jobs(batch: Sequence["Job"], *, key: str) -> list[str]:
    """Draw a table of jobs; a click on a cell opens the job, the boxes at the left choose.

    Parameters
    ----------
    batch : sequence of Job
    key : str
        Of the table.

    Returns
    -------
    list of str
        Ids of the chosen jobs.
    """
    frame = jobs_frame(batch)
    stages = {code: t(text) for code, text in STAGES.items()}
    shown = frame.with_columns(
        pl.col("kind").replace({k: t(v) for k, v in KINDS.items()}),
        pl.concat_list(pl.col("status").replace({k: t(v) for k, v in STATUSES.items()})),
        pl.col("stage").replace(stages),
    )
    column = st.column_config
    order = ["status", "name", "kind", "stage", "progress", "elapsed", "created_at", "attempt", "error"]
    chosen = st.dataframe(
        shown,
        key=key,
        hide_index=True,
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"],
        column_order=order,
        height=table_height(frame.height),
        placeholder="",
        column_config={
            "status": column.MultiselectColumn(
                t("Status"),
                options=[t(text) for text in STATUSES.values()],
                color=STATUS_COLOURS,
                width=100,
            ),
            "name": column.TextColumn(t("Name"), width="medium"),
            "kind": column.TextColumn(t("Kind"), width="small"),
            "stage": column.TextColumn(t("Stage"), width="small"),
            "progress": column.ProgressColumn(t("Progress"), format="percent", min_value=0, max_value=1, width="small"),
            "elapsed": column.TextColumn(t("Took"), width="small"),
            "created_at": column.DatetimeColumn(t("Submitted (UTC)"), format="YYYY-MM-DD HH:mm:ss", width="medium"),
            "attempt": column.NumberColumn(t("Attempt"), width="small"),
            "error": column.TextColumn(t("Cause"), width="large"),
        },
        alt=t("Jobs"),
    )
    cells = chosen.selection.cells
    if cells and cells[0][0] < frame.height:
        row = frame.row(cells[0][0], named=True)
        if row["kind"] == "train" and row["status"] in ("queued", "waiting", "running"):
            go("training", job=row["id"])
        go("job", id=row["id"])
    return [frame["id"][i] for i in chosen.selection.rows if i < frame.height]
