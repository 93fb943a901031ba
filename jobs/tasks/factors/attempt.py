"""One attempt at a factor set on a market: an update where that can be told to suffice, else all of it, in blocks."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

import polars as pl

from jobs.context import TaskContext
from jobs.factor_sets import factor_set_of
from jobs.parts import submit_part, work_off
from jobs.queue import job
from jobs.status import JobStatus
from jobs.tasks.factors.blocks import Block, make_block, plan_blocks
from jobs.tasks.factors.changes import WORK, facts_of, input_changes, written_since
from jobs.tasks.factors.made import Made, merge
from jobs.tasks.factors.update import make_update
from jobs.tasks.factors.work import FactorWork
from lake.commit import Transaction
from lake.staging import discard_staged
from lake.watermarks import read_facts
from qbrain_core.errors import CommitConflictError, InsufficientDataError, JobLostError, TransientError
from qbrain_core.factors.touched import touched_spans
from qbrain_core.specs import FactorBlockSpec, FactorsSpec

__all__ = ["FactorAttempt"]

_FRESH = 20
# how often the files of a part may have been deleted since, by a failure of the job that was then tried again


class FactorAttempt:
    """One attempt to bring the stored factors of a market up to what its bars give.

    Parameters
    ----------
    spec : FactorsSpec
    context : TaskContext

    Attributes
    ----------
    work : FactorWork
    """

    def __init__(self, spec: FactorsSpec, context: TaskContext) -> None:
        self._spec, self._context, self._reporter = spec, context, context.reporter
        lake = context.lake
        versions = lake.versions(context.versions)
        factors = factor_set_of(spec.factor_set, context.settings, owner=spec.owner)
        self.work = FactorWork(lake, factors, spec.market, versions, spec.start, spec.end)
        self._mark = WORK.format(market=spec.market)

    def result(self) -> dict[str, Any]:
        """Do what is needed, and no more where that can be told.

        Returns
        -------
        dict
            See `jobs.tasks.factors.run`.

        Raises
        ------
        InsufficientDataError
            If the market has no stock with bars in the span asked for.
        CommitConflictError
            If others wrote to the table meanwhile.
        JobCancelledError
            If the user asked for it.
        """
        self._reporter.stage("load")
        known = read_facts(self.work.lake.catalog.storage, self.work.table.name, self._mark)
        if known is not None and self._committed():
            return self._outcome(known[1], "none", 0, 0, 0, known[0])
        found = None if known is None or self._spec.rebuild else self._update(*known)
        return self._rebuild() if found is None else found

    def _committed(self) -> bool:
        # an earlier attempt got as far as that; files of that commit are the table's
        opened = self.work.lake.catalog.storage.open(self.work.table.name)
        return opened.transaction_version(self._context.job_id) is not None

    def _update(self, since: int, facts: Mapping[str, Any]) -> dict[str, Any] | None:
        work = self.work
        if not facts["rows"] or (facts["start"], facts["end"]) != (_text(work.start), _text(work.end)):
            return None
        changes = input_changes(work, since, facts)
        if changes is None:
            return None
        if changes.is_empty():
            return self._outcome(facts, "none", 0, 0, 0, since)
        earliest: date = changes["session"].min()  # type: ignore[assignment]
        calendar = work.sessions(earliest, None)
        spans = touched_spans(changes, calendar, work.lookback, across=work.crosses)
        update = make_update(work, spans, int(facts["rows"]), reporter=self._reporter)
        if update is None:
            return None
        self._reporter.log(f"{update.values.height:,} rows look back on what has changed; {update.gone.height:,} go")
        fresh = facts_of(work) | self._extent(facts, update.values, update.added, update.gone)
        self._reporter.stage("write")
        with self._commit(since) as transaction:
            transaction.upsert(work.table, update.values)
            transaction.remove(work.table, update.gone)
            transaction.note(work.table, self._mark, fresh)
        name = work.table.name
        return self._outcome(
            fresh, "update", update.values.height, transaction.changed[name], transaction.deleted[name],
            transaction.versions[name],
        )  # fmt: skip

    def _extent(self, facts: Mapping[str, Any], values: pl.DataFrame, added: int, gone: pl.DataFrame) -> dict[str, Any]:
        # how much is stored afterwards; counted anew only where names may have come or gone
        low, high = _bounds(values)
        last = date.fromisoformat(facts["last"])
        extent: dict[str, Any] = {"instruments": facts["instruments"], "first": facts["first"], "last": facts["last"]}
        if gone.height or added > facts["instruments"] or (added and low is not None and low <= last):
            extent = self._counted(values, gone)
        elif high is not None and high > last:
            extent["last"] = _text(high)
        span = {"start": facts["start"], "end": facts["end"], "missing": facts["missing"]}
        return extent | span | {"rows": facts["rows"] + added - gone.height}

    def _counted(self, values: pl.DataFrame, gone: pl.DataFrame) -> dict[str, Any]:
        work, key = self.work, ["instrument", "session"]
        asked = pl.col("session").is_between(work.start or date.min, work.end or date.max)
        stored = work.lake.scan(work.table.name).filter((pl.col("market") == work.market) & asked).select(key).collect()
        rows = pl.concat([stored.join(gone, on=key, how="anti"), values.select(key)])
        low, high = _bounds(rows)
        return {"instruments": rows["instrument"].n_unique(), "first": _text(low), "last": _text(high)}

    def _rebuild(self) -> dict[str, Any]:
        work, storage = self.work, self.work.lake.catalog.storage
        name = work.table.name
        version = work.lake.catalog.latest(name) if storage.exists(name) else 0
        blocks = plan_blocks(work, least=self._spec.parts)
        self._reporter.log(f"{len(work.names):,} stocks in {len(blocks)} blocks")
        shared = self._spec.parts > 1 and len(blocks) > 1
        try:
            parts = self._shared(blocks, version) if shared else self._alone(blocks, version)
            made = merge(parts, by_instrument=not work.crosses)
            if not sum(made.rows.values()):
                span = f"{self._spec.start or 'the first session'} and {self._spec.end or 'the last'}"
                raise InsufficientDataError(f"market {self._spec.market} has no stock with bars between {span}")
            missing = list(work.missing())
        except JobLostError:
            raise  # whoever owns the job now goes on with what is there
        except BaseException:  # cancelled or interrupted, too: no version will name the files written so far
            self._clean_up(())
            raise
        return self._reduce(made, version, missing)

    def _commit(self, since: int) -> AbstractContextManager[Transaction]:
        # what is written was worked out from the rows of one version, and holds for no other
        def fence() -> None:
            self._context.fence()
            if written_since(self.work, since):
                raise CommitConflictError(f"{self.work.table.name}: others wrote to it while its rows were being made")

        return self.work.lake.commit(self._context.job_id, self._context.attempt, fence=fence)

    def _alone(self, blocks: Sequence[Block], version: int) -> list[Made]:
        work, made = self.work, list[Made]()
        calendar = work.sessions(None, work.end) if len(blocks) > 1 and not work.crosses else None
        mark = f"{self._context.job_id}-{self._context.attempt}"
        for done, block in enumerate(blocks):
            self._reporter.stage("compute", fraction=done / len(blocks))
            self._reporter.check()
            made.append(make_block(work, block, version, mark=mark, reporter=self._reporter, calendar=calendar))
        return made

    def _shared(self, blocks: Sequence[Block], version: int) -> list[Made]:
        names = [self._submit(block, number, version) for number, block in enumerate(blocks)]
        results = work_off(names, self._context)
        return [Made.from_dict(results[name]) for name in names]

    def _submit(self, block: Block, number: int, version: int) -> str:
        spec, factors = self._spec, self.work.factors
        versions = {name: self.work.as_of[name] for name in sorted({*self.work.tables, "instruments"})}
        part = FactorBlockSpec(
            name=f"{spec.name or factors.name} {number + 1}"[:120], owner=spec.owner, visibility=spec.visibility,
            parent=self._context.job_id, factor_set=factors.reference, market=spec.market, start=spec.start,
            end=spec.end, low=block.low, high=block.high, first=block.first, last=block.last, base=version,
        )  # fmt: skip
        for again in range(_FRESH):
            name = submit_part(part, self._context, versions=versions, nonce=str(again))
            found = job(name, settings=self._context.settings)
            if found.status != JobStatus.SUCCEEDED or not self._lacks(Made.from_dict(found.result or {})):
                return name
        raise TransientError(f"the files of block {number + 1} were deleted again and again")

    def _lacks(self, made: Made) -> bool:
        # an earlier attempt at this job had failed, and cleaned up
        return self.work.lake.catalog.storage.lacks(self.work.table.name, [file.path for file in made.files])

    def _reduce(self, made: Made, version: int, missing: Sequence[str]) -> dict[str, Any]:
        work = self.work
        staged = made.staged(work.market, version)
        fresh = facts_of(work) | {
            "start": _text(work.start), "end": _text(work.end), "rows": sum(made.rows.values()),
            "instruments": made.instruments, "first": _text(made.first), "last": _text(made.last),
            "missing": missing,
        }  # fmt: skip
        self._reporter.stage("write")
        try:
            with self._commit(version) as transaction:
                transaction.exchange(work.table, staged)
                transaction.note(work.table, self._mark, fresh)
        except CommitConflictError:
            self._clean_up(())
            raise
        self._clean_up([file.path for file in staged.files])
        return self._outcome(
            fresh, "full", fresh["rows"], staged.changed, staged.deleted, transaction.versions[work.table.name]
        )  # fmt: skip

    def _clean_up(self, kept: Sequence[str]) -> None:
        # also what earlier attempts and parts have left; after a commit whose answer was lost, vacuum does it
        try:
            discard_staged(self.work.lake.catalog.storage, self.work.table, f"{self._context.job_id}-", keep=kept)
        except (TransientError, OSError) as error:
            self._reporter.log(f"files that nobody needs could not be deleted: {error}", level="warning")

    def _outcome(
        self, facts: Mapping[str, Any], mode: str, computed: int, written: int, deleted: int, version: int
    ) -> dict[str, Any]:
        for name in facts.get("missing", ()):
            self._reporter.log(f"the lake has nothing of ${name} for market {self._spec.market}", level="warning")
        return {
            "table": self.work.table.name, "version": version, "mode": mode, "rows": facts["rows"],
            "rows_computed": computed, "rows_written": written, "rows_deleted": deleted,
            "columns": len(self.work.factors.expressions), "instruments": facts["instruments"],
            "start": facts["first"], "end": facts["last"], "missing": list(facts.get("missing", ())),
        }  # fmt: skip


def _bounds(rows: pl.DataFrame) -> tuple[date | None, date | None]:
    low, high = rows.select(low=pl.col("session").min(), high=pl.col("session").max()).row(0)
    return low, high


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
