"""Let refused bars in after all: they go through the ingest once more, high and low widened where they have to be."""

import json
import tempfile
from pathlib import Path

import polars as pl

from jobs.context import TaskContext
from jobs.tasks.ingest import layout_of
from jobs.tasks.ingest.bars import bars
from jobs.tasks.ingest.intake import Intake
from lake.quality.repair import Changes
from lake.records import open_records
from lake.records.models import JobRow
from lake.rows import conform
from lake.sources import matching_files, read_rows
from lake.tables import table as fixed_table
from qbrain_core.errors import InvalidInputError
from qbrain_core.specs import CleanSpec, IngestSpec, parse_spec

__all__ = ["accept"]

_OHLC = ("open", "high", "low", "close")


def accept(spec: CleanSpec, context: TaskContext) -> Changes:
    """Work out what letting refused rows in would change.

    Parameters
    ----------
    spec : CleanSpec
        With `from_job`, and `rows` or `checks` where not all of them are meant.
    context : TaskContext

    Returns
    -------
    Changes
        The bars as they would be stored, and the rows of the quarantine that would go.

    Raises
    ------
    InvalidInputError
        If the job refused no such row, was no ingest of bars, or a row cannot be used even so.
    """
    refused = _refused(spec, context)
    ingest = _ingest(spec, context)
    with tempfile.TemporaryDirectory() as folder:
        frames: list[tuple[pl.DataFrame, pl.DataFrame]] = []
        for (source,), group in refused.group_by("source", maintain_order=True):
            path = Path(folder) / f"{len(frames)}.csv"
            records = [json.loads(text) for text in group["content"]]
            pl.DataFrame(records, schema=dict.fromkeys(records[0], pl.String)).write_csv(path)
            frames.append(_through_ingest(ingest, path, str(source), context))
    new = pl.concat([frame for frame, _ in frames])
    rows = conform(new, fixed_table("bars"))
    beside = pl.concat([actions for _, actions in frames])
    stored = context.lake.scan("bars").join(rows.lazy(), on=["instrument", "session"], how="semi").collect()
    before = rows.select("instrument", "session").join(
        stored, on=["instrument", "session"], how="left", maintain_order="left"
    )
    return Changes(
        before.select(rows.columns), rows, rows.clear(), {"corporate_actions": beside} if beside.height else {},
        {"quarantine": refused},
    )  # fmt: skip


def _refused(spec: CleanSpec, context: TaskContext) -> pl.DataFrame:
    if not spec.from_job:
        raise InvalidInputError("from_job", spec.from_job, "accept needs the job whose refused rows are meant")
    rows = context.lake.scan("quarantine").filter((pl.col("job_id") == spec.from_job) & (pl.col("table") == "bars"))
    if spec.rows:
        rows = rows.filter(pl.col("row").is_in(list(spec.rows)))
    if spec.checks:
        rows = rows.filter(pl.col("check").is_in(list(spec.checks)))
    found = rows.sort("row").collect()
    if found.is_empty():
        raise InvalidInputError("from_job", spec.from_job, "it refused no such bars, or they were accepted already")
    return found


def _ingest(spec: CleanSpec, context: TaskContext) -> IngestSpec:
    with open_records(context.settings).read() as session:
        row = session.get(JobRow, spec.from_job)
        ingest = parse_spec(row.spec) if row is not None else None
    if not isinstance(ingest, IngestSpec):
        raise InvalidInputError(
            "from_job", spec.from_job, "there is no ingest of that id, so its columns are not known"
        )
    return ingest


def _through_ingest(
    ingest: IngestSpec, path: Path, source: str, context: TaskContext
) -> tuple[pl.DataFrame, pl.DataFrame]:
    constants = {}
    if "{" in ingest.path:
        constants = next((f.constants for f in matching_files(ingest.path) if f.path.name == source), {})
    columns = dict(ingest.columns) | {name: f"={value}" for name, value in constants.items()}
    again = ingest.model_copy(update={"path": str(path), "columns": columns, "header": True, "names": (), "member": ""})
    taken = Intake(again, read_rows(path, "bars", layout_of(again)), context.lake)
    taken.rows = taken.rows.with_columns(high=pl.max_horizontal(*_OHLC), low=pl.min_horizontal(*_OHLC))
    writes = bars(taken, context)
    if taken.refused.height:
        names = ", ".join(taken.refused["check"].unique().sort())
        raise InvalidInputError("rows", source, f"{taken.refused.height} of them cannot be used even so: {names}")
    return writes.rows["bars"], writes.rows["corporate_actions"]
