"""A lake that writers and readers of other processes work on, and what must hold of it afterwards."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from crash_ledger import check_history, check_states, read_ledger, read_ledgers, states, version_of
from crash_writer import write

from lake import Lake, open_lake
from lake.vacuum import vacuum
from qbrain_core.settings import Settings

SUPPORT = Path(__file__).resolve().parent
LATER = timedelta(days=60)


class Stage:
    """One lake, the ledgers of its writers, and the processes."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self.settings = settings
        self.seed = seed
        self.ledgers = settings.home / "ledgers"
        self.ledgers.mkdir(parents=True)
        self.lake: Lake = open_lake(settings)
        self._started: list[subprocess.Popen[str]] = []

    def start(self, script: str, *arguments: object) -> subprocess.Popen[str]:
        """Start one of the scripts beside this file."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("QBRAIN_")} | {
            "PYTHONPATH": str(SUPPORT.parents[1]), "QBRAIN_ENV": "test", "QBRAIN_HOME": str(self.settings.home),
            "QBRAIN_LAKE_URL": self.settings.lake_url,
        }  # fmt: skip
        command = [sys.executable, str(SUPPORT / script), *map(str, arguments)]
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def writer(self, name: str, steps: int) -> subprocess.Popen[str]:
        """Start a writer."""
        self._started.append(self.start("crash_writer.py", name, f"{self.seed}-{name}", self.ledgers, steps))
        return self._started[-1]

    @contextmanager
    def readers(self, count: int) -> Iterator[None]:
        """Read all the while; fails where a reader has seen a torn or a lost state. Nothing runs on afterwards."""
        processes = [self.start("crash_reader.py", self.ledgers) for _ in range(count)]
        try:
            yield
            (self.ledgers / "stop").touch()
            told = [process.communicate(timeout=120)[0].split() for process in processes]
            print(f"readers: {told} (states read, versions among them)")
            assert [process.returncode for process in processes] == [0] * count, "a reader saw what must not be"
            assert all(int(read) > 0 for read, _ in told)
        finally:
            for process in [*processes, *self._started]:
                process.kill()
                process.wait()

    def kill_a_writer(self, name: str, chance: random.Random) -> bool:
        """Run a writer and kill it; tells whether that was in the middle of a commit."""
        process = self.writer(name, 1_000_000)
        assert process.stdout is not None
        if chance.random() < 0.95:
            times = [time.monotonic() for _ in range(chance.randint(2, 5)) if process.stdout.readline()]
            time.sleep(chance.uniform(0, 1.2) * (times[-1] - times[-2]))  # within the step just begun, or the next
        else:
            time.sleep(chance.uniform(0, 2.0))  # before it has begun any
        process.send_signal(signal.SIGKILL)
        process.communicate()
        steps = read_ledger(self.ledgers, name)
        self.check_writer(name)
        if not steps or steps[-1].version is not None:
            return False
        if chance.random() < 0.5:
            self._try_again(name)
        return True

    def check_writer(self, name: str) -> None:
        """Fail where the batches of one writer are not as it left them."""
        steps = read_ledger(self.ledgers, name)
        rows = self.lake.scan("bars").filter(pl.col("instrument").str.starts_with(f"{name}N")).collect()
        check_states(states(rows), steps, steps)

    def check(self, *, samples: int, chance: random.Random) -> int:
        """Fail where the lake is not what all ledgers add up to, now and at versions picked at random."""
        newest = self.lake.versions()["bars"]
        steps = [step for steps in read_ledgers(self.ledgers).values() for step in steps]
        rows = self.lake.scan("bars").collect()
        check_states(states(rows), steps, steps)
        sums = self.lake.sql("SELECT count(*), sum(volume), sum(close) FROM bars").row(0)
        assert sums == (rows.height, rows["volume"].sum(), rows["close"].sum())
        picked = chance.sample(range(newest + 1), min(samples, newest + 1))
        return check_history(self.lake, self.ledgers, versions=picked)

    def clean(self) -> int:
        """Vacuum what killed writers left; every version stays as it is. Gives the number of files that went."""
        every = {"bars": range(self.lake.versions()["bars"] + 1)}
        gone = vacuum(self.lake, ["bars"], keep=every, now=datetime.now(UTC) + LATER)
        assert vacuum(self.lake, ["bars"], keep=every, now=datetime.now(UTC) + LATER) == []
        return sum(len(done.files) for done in gone)

    def _try_again(self, name: str) -> None:
        # as the queue does with the job of a killed worker; nothing tells it whether the commit had got through
        step = read_ledger(self.ledgers, name)[-1]
        lake = open_lake(self.settings)
        write(lake, step.job, step.does, step.batch, step.number)
        version = version_of(lake.catalog.storage, "bars", lake.versions()["bars"], step.job)
        with (self.ledgers / f"{name}.ledger").open("a") as lines:
            lines.write(f'["done", {step.number}, {version}]\n')
        self.check_writer(name)
