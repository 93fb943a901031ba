"""A stack of real processes: Valkey, workers, scheduler with janitor, in a home of their own."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from jobs.context import TaskContext
from jobs.tasks.ingest import run
from jobs.valkey import valkey_command, wait_until_ready
from lake import Lake
from qbrain_core.reporting import NULL_REPORTER
from qbrain_core.settings import Settings
from qbrain_core.specs import IngestSpec, parse_spec

SUPPORT = Path(__file__).resolve().parents[1] / "support"


class Stack:
    """Processes of one home; everything still running is ended with it."""

    def __init__(self, home: Path, **place: str) -> None:
        self.settings = Settings(
            env="test", home=home, retry_delay_s=0.5, janitor_interval_s=0.5, lease_s=3, lease_renew_s=0.5, **place
        )  # fmt: skip
        self.settings.make_home()
        self.folder = home.parent
        self.processes: list[subprocess.Popen[bytes]] = []
        self._numbers = itertools.count()

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        s = self.settings
        environment = {k: v for k, v in os.environ.items() if not k.startswith("QBRAIN_")} | {
            "QBRAIN_ENV": "test", "QBRAIN_HOME": str(s.home), "QBRAIN_RETRY_DELAY_S": str(s.retry_delay_s),
            "QBRAIN_JANITOR_INTERVAL_S": str(s.janitor_interval_s), "QBRAIN_LEASE_S": str(s.lease_s),
            "QBRAIN_LEASE_RENEW_S": str(s.lease_renew_s), "QBRAIN_DATABASE_URL": s.database_url,
            "QBRAIN_LAKE_URL": s.lake_url, "QBRAIN_MLFLOW_URL": s.mlflow_url,
        }  # fmt: skip
        with (s.home / "logs" / f"{next(self._numbers)}.log").open("wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        self.processes.append(process)
        return process

    def valkey(self) -> "subprocess.Popen[bytes]":
        process = self.start(*valkey_command(self.settings))
        wait_until_ready(self.settings)
        return process

    def worker(self, *limits: str) -> "subprocess.Popen[bytes]":
        return self.start(sys.executable, str(SUPPORT / "probe_worker.py"), "data", *limits)

    def schedule(self) -> "subprocess.Popen[bytes]":
        return self.start(sys.executable, "-m", "jobs.schedule")

    def revive(self) -> None:
        """Start what has ended again, as the supervisor does."""
        for position, process in enumerate(self.processes):
            if process.poll() is not None:
                self.processes[position] = self.start(*process.args)
                self.processes.pop()
        wait_until_ready(self.settings)

    def spec(self, *steps: list[Any], **fields: Any) -> IngestSpec:
        """Make a spec of the probe task, different from every other."""
        path = self.folder / f"steps-{next(self._numbers)}.json"
        path.write_text(json.dumps([*steps, ["give", str(path)]]))
        return IngestSpec(path=str(path), market="US", **fields)

    def logs(self) -> str:
        return "\n".join(p.read_text() for p in sorted((self.settings.home / "logs").glob("*.log")))

    def end(self) -> None:
        running = [p for p in reversed(self.processes) if p.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Until:
    """Poll until a condition holds, and give its value."""

    def __call__(self, condition: Callable[[], Any], timeout_s: float = 60.0) -> Any:
        ends = time.monotonic() + timeout_s
        while time.monotonic() < ends:
            value = condition()
            if value:
                return value
            time.sleep(0.03)
        raise AssertionError(f"not within {timeout_s} s")


@pytest.fixture
def until() -> Until:
    return Until()


@pytest.fixture
def ingest_spec(settings: Settings, lake: Lake) -> Callable[[IngestSpec], dict[str, Any]]:
    """Give a function that runs an ingest and returns its result."""
    count = itertools.count()

    def ingest_spec(spec: IngestSpec) -> dict[str, Any]:
        context = TaskContext(
            settings=settings, lake=lake, reporter=NULL_REPORTER, job_id=f"job-{next(count)}", attempt=1, versions={},
            upstream={}, code_hash="test", fence=lambda: None,
        )  # fmt: skip
        return run(spec, context)

    return ingest_spec


@pytest.fixture
def ingest(ingest_spec: Callable[[Any], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Give a function that runs an ingest of a path with fields of its spec, and returns the result."""

    def ingest(path: Path | str, **fields: object) -> dict[str, Any]:
        return ingest_spec(parse_spec({"kind": "ingest", "path": str(path), "market": "US", **fields}))

    return ingest


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, place: Callable[[], AbstractContextManager[dict[str, str]]]
) -> Iterator[Stack]:
    with place() as fields:
        made = Stack(tmp_path_factory.mktemp("stack") / "home", **fields)
        try:
            yield made
        finally:
            made.end()


@pytest.fixture(scope="module")
def running(stack: Stack) -> Stack:
    """Give a stack whose worker of queue `data` waits for jobs."""
    return started(stack)


@pytest.fixture
def on_postgres(tmp_path: Path, postgres: Callable[[], str]) -> Iterator[Stack]:
    """Give such a stack with its records in PostgreSQL, whose worker lets a job run for 2 s only."""
    made = Stack(tmp_path / "home", database_url=postgres())
    try:
        yield started(made, "2", "0.5")
    finally:
        made.end()


def started(stack: Stack, *limits: str) -> Stack:
    from jobs import workers

    stack.valkey()
    stack.worker(*limits)
    stack.schedule()
    Until()(lambda: workers(settings=stack.settings), 60)
    return stack
