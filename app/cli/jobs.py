"""Submit jobs and follow them from scripts."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from jobs import Job, JobEvent

__all__ = ["register"]

_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add `submit`, `jobs`, `events`, `cancel` and `retry`.

    Parameters
    ----------
    app : Typer
    """
    app.command()(submit)
    app.command("jobs")(list_jobs)
    app.command()(events)
    app.command()(cancel)
    app.command()(retry)


def submit(
    spec: Annotated[Path, typer.Argument(help="YAML or JSON file with one spec or several.")],
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until all are finished; exit 1 unless all succeeded.")
    ] = False,
    as_json: _AsJson = False,
    force: Annotated[bool, typer.Option("--force", help="Run again even where the same job has finished.")] = False,
    values: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=value for ${NAME} in the file, repeated.")
    ] = None,
) -> None:
    """Check specs and put them into the queue; nothing is queued unless all are right."""
    import jobs

    submitted = jobs.submit(spec, force=force, values=dict(_pair(value) for value in values or []))
    batch = [submitted] if isinstance(submitted, jobs.Job) else list(submitted)
    if wait:
        if not as_json:
            for job in batch:
                typer.echo(f"{job.id}  {job.kind:<9} {job.name}", err=True)
        batch = [jobs.wait(job.id) for job in batch]
    _print_jobs(batch, as_json=as_json)
    if wait and any(job.status != "succeeded" for job in batch):
        raise typer.Exit(1)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not NAME=value", param_hint="--set")
    return name, value


def list_jobs(
    status: Annotated[
        str | None, typer.Option(help="waiting, queued, running, succeeded, failed or cancelled.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="ingest, downsample, factors, evaluate, train, predict, backtest or upkeep.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many, newest first.")] = 50,
    as_json: _AsJson = False,
) -> None:
    """List jobs, newest first."""
    import jobs

    _print_jobs(jobs.jobs(status=status, kind=kind, limit=limit), as_json=as_json)


def events(
    job: Annotated[str, typer.Argument(help="Job id.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job is finished.")] = False,
    as_json: _AsJson = False,
) -> None:
    """Print what a job has told so far, and with --follow what it tells next."""
    import jobs

    for event in jobs.events(job, follow=follow):
        typer.echo(json.dumps(_event(event), ensure_ascii=False) if as_json else _event_line(event))
        sys.stdout.flush()


def cancel(job: Annotated[str, typer.Argument(help="Job id.")]) -> None:
    """Ask a job to stop; jobs that come after it are cancelled too."""
    import jobs

    found = jobs.cancel(job)
    typer.echo(f"{found.id}  {found.status}" + ("" if found.finished_at else ": asked to stop"))


def retry(job: Annotated[str, typer.Argument(help="Job id.")]) -> None:
    """Run a failed or cancelled job again."""
    import jobs

    _print_jobs([jobs.retry(job)], as_json=False)


def _print_jobs(batch: "Sequence[Job]", *, as_json: bool) -> None:
    if as_json:
        rows = [job.as_dict() for job in batch]
        typer.echo(json.dumps(rows, ensure_ascii=False, default=str))
        return
    if not batch:
        typer.echo("no jobs")
    for job in batch:
        when = f"{job.created_at:%Y-%m-%d %H:%M:%S}"
        progress = f" {job.progress:4.0%}" if job.progress is not None and not job.finished_at else ""
        typer.echo(f"{job.id:<20}  {when}  {job.status:<9}{progress}  {job.kind:<9} {job.name}")
        if job.error:
            typer.echo(f"{'':<20}  {job.error}" + (f" → {job.hint}" if job.hint else ""))


def _event(event: "JobEvent") -> dict[str, Any]:
    return {
        "seq": event.seq, "job_id": event.job_id, "attempt": event.attempt, "ts": event.ts.isoformat(),
        "type": event.type, **event.payload,
    }  # fmt: skip


def _event_line(event: "JobEvent") -> str:
    fields = dict(event.payload)
    if event.type == "metric":
        values = "  ".join(f"{k}={v:.6g}" for k, v in dict(fields.get("values", {})).items())
        text = f"step {fields.get('step')}  {values}"
    elif event.type == "log":
        text = f"{fields.get('level', 'info')}: {fields.get('message', '')}"
    else:
        text = "  ".join(f"{k}={v}" for k, v in fields.items() if v not in (None, ""))
    return f"{event.ts:%H:%M:%S}  {event.type:<6} {text}"
