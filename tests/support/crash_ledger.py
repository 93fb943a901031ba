"""What writers that are killed promise: deterministic batches, a ledger of begun and acknowledged commits, and checks.

A batch is twelve bars of two instruments over two markets and two years, so that one commit writes several files. Its
volumes sum to nought and every row carries the step that wrote it: a torn commit shows.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from lake import Lake
from lake.storage import Storage

DAYS = [date(year, month, 15) for year in (2023, 2024) for month in (1, 6, 11)]
MARKETS = ("US", "HK")
ROWS = len(DAYS) * len(MARKETS)


def rows_of(batch: str, step: int) -> pl.DataFrame:
    """Make the rows of a batch as a step of its writer writes them."""
    names = [f"{batch}.{market}" for market in MARKETS]
    place = pl.int_range(pl.len())
    volume = (place + 1) * (step + 1)
    return (
        pl.DataFrame({"instrument": names}).join(pl.DataFrame({"session": DAYS}), how="cross")
        .with_columns(volume=pl.when(place < ROWS - 1).then(volume).otherwise(-(volume.head(ROWS - 1).sum())))
        .with_columns(
            pl.col("volume").cast(pl.Float64), close=pl.lit(float(step)), factor=1.0, halted=False,
            price_basis=pl.lit("raw"),
        )
    )  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One commit of a writer: what it does to which batch, and the version it made once it was acknowledged."""

    writer: str
    number: int
    does: str
    batch: str
    version: int | None = None

    @property
    def job(self) -> str:
        """Id the commit carries in the table's log."""
        return f"{self.writer}-{self.number}"

    @property
    def leaves(self) -> int | None:
        """Step whose rows the batch has afterwards; None where it has none."""
        return None if self.does == "delete" else self.number


class Ledger:
    """Lines of one writer, on disk before anything that follows them."""

    def __init__(self, folder: Path, writer: str) -> None:
        self._writer = writer
        self._file = os.open(folder / f"{writer}.ledger", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def begin(self, number: int, does: str, batch: str) -> None:
        self._write(["begun", number, does, batch])

    def done(self, number: int, version: int) -> None:
        self._write(["done", number, version])

    def _write(self, line: list[object]) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")
        os.fsync(self._file)


def read_ledger(folder: Path, writer: str) -> list[Step]:
    """Read one writer's steps in order."""
    begun: dict[int, Step] = {}
    path = folder / f"{writer}.ledger"
    for line in path.read_text().split("\n")[:-1] if path.exists() else []:  # a half-written line ends without one
        kind, number, *rest = json.loads(line)
        if kind == "begun":
            begun[number] = Step(writer, number, *rest)
        else:
            old = begun[number]
            begun[number] = Step(writer, number, old.does, old.batch, rest[0])
    return list(begun.values())


def read_ledgers(folder: Path) -> dict[str, list[Step]]:
    """Read the steps of every writer."""
    return {path.stem: read_ledger(folder, path.stem) for path in sorted(folder.glob("*.ledger"))}


def states(rows: pl.DataFrame) -> dict[str, int]:
    """Tell which step each batch is at; fails where a commit is torn or a row is there twice."""
    assert not rows.select("instrument", "session").is_duplicated().any(), "a row is there twice"
    batches = rows.group_by(batch=pl.col("instrument").str.head(-3)).agg(
        rows=pl.len(), volume=pl.col("volume").sum(), steps=pl.col("close").n_unique(), step=pl.col("close").first()
    )
    torn = batches.filter((pl.col("rows") != ROWS) | (pl.col("volume") != 0) | (pl.col("steps") != 1))
    assert torn.is_empty(), f"torn: {torn.rows()}"
    return {batch: int(step) for batch, step in batches.select("batch", "step").iter_rows()}


def check_states(seen: dict[str, int], before: Iterable[Step], after: Iterable[Step]) -> None:
    """Fail where a batch is not as its acknowledged commits left it, or as one begun since would.

    `before` was read from the ledgers before the rows, `after` after them.
    """
    surest: dict[str, Step] = {}
    for step in before:
        if step.version is not None:
            surest[step.batch] = step
    allowed: dict[str, set[int | None]] = {batch: {step.leaves} for batch, step in surest.items()}
    for step in after:
        sure = surest.get(step.batch)
        if sure is None or step.number > sure.number:
            allowed.setdefault(step.batch, {None}).add(step.leaves)
    for batch, states_ in allowed.items():
        assert seen.get(batch) in states_, f"{batch} is at {seen.get(batch)}, and may be at {states_}"
    assert set(seen) <= set(allowed), f"nobody wrote {set(seen) - set(allowed)}"


def version_of(storage: Storage, table: str, newest: int, job: str) -> int:
    """Find the version a job made, from the newest back."""
    for version in range(newest, 0, -1):
        if f'"{job}"'.encode() in storage.log_entry(table, version):
            return version
    raise AssertionError(f"no version is of {job}")


def commits(storage: Storage, table: str, newest: int) -> Iterator[tuple[int, str]]:
    """List the versions that a job made, with the job: straight from the log."""
    for version in range(1, newest + 1):
        for line in storage.log_entry(table, version).splitlines():
            note = json.loads(line).get("commitInfo", {})
            if note.get("job") and "compacted" not in note:
                yield version, note["job"]


def check_history(lake: Lake, folder: Path, *, versions: Iterable[int] = ()) -> int:
    """Fail where an acknowledged commit is not in the log, one is there twice, or a version is not what they add up to.

    Returns how many commits the log holds.
    """
    newest = lake.versions()["bars"]
    steps = {step.job: step for steps in read_ledgers(folder).values() for step in steps}
    made = list(commits(lake.catalog.storage, "bars", newest))
    assert len({job for _, job in made}) == len(made), "a commit is there twice"
    versions_of = {job: version for version, job in made}
    for step in steps.values():
        if step.version is not None:
            assert versions_of.get(step.job) == step.version, f"{step} is acknowledged and lost"
    wanted = sorted(set(versions) | {newest})
    state: dict[str, int] = {}
    number = 0
    for version in wanted:
        while number < len(made) and made[number][0] <= version:
            step = steps[made[number][1]]
            if step.leaves is None:
                state.pop(step.batch, None)
            else:
                state[step.batch] = step.leaves
            number += 1
        rows = lake.scan("bars", as_of={"bars": version}).collect()
        assert states(rows) == state, f"version {version} is not what its commits add up to"
    return len(made)
