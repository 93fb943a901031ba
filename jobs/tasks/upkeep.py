"""Look after the lake: archive the audit trail, let old rows go, sort files together, delete what nobody needs."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.context import TaskContext
from lake.audit import archive_audit
from lake.compaction import compact
from lake.records import open_records
from lake.retention import expiries, retain
from lake.vacuum import vacuum
from qbrain_core.specs import JobSpec, UpkeepSpec

__all__ = ["run"]

_DAY_S = 86_400
_COUNTS = ("rows_removed", "partitions_compacted", "files_deleted", "bytes_freed")


def run(spec: JobSpec, context: TaskContext) -> dict[str, Any]:
    """Do the steps that the spec names, table by table; done again it finds nothing left to do.

    Parameters
    ----------
    spec : UpkeepSpec
    context : TaskContext

    Returns
    -------
    dict
        `dry_run`, `day` (ISO date that ages are counted from), `audit_archived` (lines), and `tables`: by each table
        that something was done to {`rows_removed`, `partitions_compacted`, `files_before`, `files_after` (of the newest
        version), `files_deleted`, `bytes_freed`}.

    Raises
    ------
    UnknownNameError, InvalidInputError
        If a table is unknown or a retention means nothing; nothing is done then.
    CommitConflictError
        If other writers of a table kept winning.
    JobCancelledError
        If the user asked for it; what was done stays done.
    """
    assert isinstance(spec, UpkeepSpec)
    upkeep = _Upkeep(spec, context)
    steps: dict[str, Callable[[], None]] = {
        "archive_audit": upkeep.archive_audit, "retain": upkeep.retain, "compact": upkeep.compact,
        "vacuum": upkeep.vacuum,
    }  # fmt: skip
    for step in spec.steps:
        steps[step]()
    return upkeep.result()


class _Upkeep:
    # one round over the tables, and what it has done so far

    def __init__(self, spec: UpkeepSpec, context: TaskContext) -> None:
        self._spec, self._context, self._lake = spec, context, context.lake
        self._today = datetime.now(UTC).date()
        catalog = self._lake.catalog
        self._names = list(dict.fromkeys(map(catalog.find, spec.tables))) if spec.tables else catalog.names()
        expiries(self._lake, spec.retention, today=self._today)  # refuses what means nothing before anything is done
        self._files = {name: len(catalog.snapshot(name).files) for name in self._names}
        self._counts: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_COUNTS, 0))
        self._archived = 0

    def archive_audit(self) -> None:
        self._context.reporter.stage("archive_audit")
        before = self._today - timedelta(days=self._spec.audit_days)
        self._archived = archive_audit(
            self._lake, before, dry_run=self._spec.dry_run, job_id=self._context.job_id,
            attempt=self._context.attempt, fence=self._fence,
        )  # fmt: skip

    def retain(self) -> None:
        for name in self._each("retain"):
            for done in retain(
                self._lake, self._spec.retention, tables=[name], today=self._today, dry_run=self._spec.dry_run,
                job_id=self._context.job_id, attempt=self._context.attempt, fence=self._fence,
            ):  # fmt: skip
                self._counts[name]["rows_removed"] += done.rows
                self._note("retain", name, rows=done.rows, version=done.version)

    def compact(self) -> None:
        for name in self._each("compact"):
            for done in compact(
                self._lake, [name], include_open=self._spec.include_open, min_files=self._spec.min_files,
                today=self._today, dry_run=self._spec.dry_run, job_id=self._context.job_id, fence=self._fence,
            ):  # fmt: skip
                if done.outcome != "lost":
                    self._counts[name]["partitions_compacted"] += 1

    def vacuum(self) -> None:
        retention_s = self._spec.keep_days * _DAY_S
        for name in self._each("vacuum"):
            self._fence()
            # most tables have nothing old: only for the others it is asked, right then, what pins and jobs need
            if not vacuum(self._lake, [name], retention_s=retention_s, dry_run=True, keep={}):
                continue
            for done in vacuum(self._lake, [name], retention_s=retention_s, dry_run=self._spec.dry_run):
                self._counts[name]["files_deleted"] += len(done.files)
                self._counts[name]["bytes_freed"] += done.size_bytes
                self._note("vacuum", name, files=len(done.files), size_bytes=done.size_bytes)

    def result(self) -> dict[str, Any]:
        tables = {
            name: {
                **counts,
                "files_before": self._files[name],
                "files_after": len(self._lake.catalog.snapshot(name).files),
            }
            for name, counts in self._counts.items()
        }
        return {
            "dry_run": self._spec.dry_run, "day": self._today, "audit_archived": self._archived, "tables": tables,
        }  # fmt: skip

    def _each(self, step: str) -> Iterator[str]:
        for position, name in enumerate(self._names):
            self._context.reporter.check()
            self._context.reporter.stage(step, fraction=position / len(self._names), detail=name)
            yield name

    def _fence(self) -> None:
        # before every commit: a partition may take minutes, and there may be hundreds
        self._context.reporter.check()
        self._context.fence()

    def _note(self, action: str, name: str, **detail: int) -> None:
        if not self._spec.dry_run:
            records = open_records(self._context.settings)
            records.note(self._spec.owner, action, name, job=self._context.job_id, **detail)
