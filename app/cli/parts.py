"""Start the parts one by one: web server, workers, scheduler; and check them all."""

import importlib
import json
import os
import sys
from typing import Annotated, NoReturn

import typer

from qbrain_core.errors import UnknownNameError
from qbrain_core.settings import QUEUES, Settings

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `serve`, `worker`, `schedule` and `doctor`.

    Parameters
    ----------
    app : Typer
    """
    app.command()(serve)
    app.command()(worker)
    app.command()(schedule)
    app.command()(doctor)


def _become(module: str, *arguments: str) -> NoReturn:
    # a process of its own from the start: a worker must not inherit what this command imported
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


def serve() -> None:
    """Serve the pages and the API on QBRAIN_HOST:QBRAIN_PORT."""
    _become("app.server")


def worker(queue: Annotated[str, typer.Argument(help="data, train or backtest")]) -> None:
    """Work on one queue until told to stop."""
    if queue not in QUEUES:
        raise UnknownNameError("queue", queue, QUEUES)
    _become("jobs.worker", queue)


def schedule() -> None:
    """Run schedules and look after lost jobs."""
    _become("jobs.schedule")


def doctor(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Check the installation part by part; exit 1 if anything is wrong."""
    checks = importlib.import_module("app.doctor").examine(Settings())
    if as_json:
        typer.echo(json.dumps({"ok": all(c.ok for c in checks), "checks": [c.as_dict() for c in checks]}))
    else:
        for check in checks:
            mark = typer.style("ok  ", fg="green") if check.ok else typer.style("FAIL", fg="red")
            typer.echo(f"{mark}  {check.name:<12} {check.found}")
            if check.remedy:
                typer.echo(f"      {'':<12} → {check.remedy}")
    raise typer.Exit(0 if all(c.ok for c in checks) else 1)
