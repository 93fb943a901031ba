"""`qbrain schedules`: what is submitted again and again, and when."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]

_schedules = typer.Typer(help="What is submitted again and again, and when; without a command: list it.")


def register(app: typer.Typer) -> None:
    """Add the group `schedules`.

    Parameters
    ----------
    app : Typer
    """
    app.add_typer(_schedules, name="schedules", invoke_without_command=True)


@_schedules.callback()
def _without_a_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_schedules()


@_schedules.command("list")
def list_schedules(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the schedules: when they run, when next, and why the last submission was refused, if it was."""
    import jobs

    found = jobs.schedules()
    if as_json:
        typer.echo(json.dumps([vars(s) for s in found], ensure_ascii=False, default=str))
        return
    if not found:
        typer.echo("no schedules")
    for s in found:
        following = f"next {s.next_at:%Y-%m-%d %H:%M} UTC" if s.next_at else "disabled"
        kinds = ", ".join(str(spec["kind"]) for spec in s.specs)
        zone = "" if " the " in s.trigger else f" {s.timezone}"
        typer.echo(f"{s.name:<24} {s.trigger}{zone}  {following}  {kinds} ({s.owner})")
        if s.last_error:
            typer.echo(f"{'':<24} refused: {s.last_error}")


@_schedules.command()
def add(
    spec: Annotated[Path, typer.Argument(help="YAML or JSON file with one spec or several, submitted together.")],
    name: Annotated[str, typer.Option(help="What the schedule is called.")],
    when: Annotated[str, typer.Option(help="A cron line ('30 18 * * 1-5') or like '30 min after the SH close'.")],
    timezone: Annotated[str, typer.Option(help="Of a cron line, for example Asia/Shanghai.")] = "UTC",
) -> None:
    """Have specs submitted again and again."""
    import jobs
    from jobs.intake import read_submission
    from qbrain_core.settings import Settings

    specs, _ = read_submission(spec, settings=Settings(), owner=None)
    made = jobs.add_schedule(name, when, specs, timezone=timezone)
    typer.echo(f"{made.name}: next at {made.next_at:%Y-%m-%d %H:%M} UTC" if made.next_at else f"{made.name}: never")


@_schedules.command()
def remove(name: Annotated[str, typer.Argument(help="Schedule.")]) -> None:
    """Forget a schedule; one that came with the installation does not come back."""
    import jobs

    jobs.remove_schedule(name)
    typer.echo(f"{name} is gone")


@_schedules.command()
def enable(name: Annotated[str, typer.Argument(help="Schedule.")]) -> None:
    """Let a schedule run again, from its next time on."""
    import jobs

    made = jobs.enable_schedule(name)
    typer.echo(f"{made.name}: next at {made.next_at:%Y-%m-%d %H:%M} UTC" if made.next_at else f"{made.name}: never")


@_schedules.command()
def disable(name: Annotated[str, typer.Argument(help="Schedule.")]) -> None:
    """Keep a schedule and do not run it until it is enabled again."""
    import jobs

    jobs.enable_schedule(name, False)
    typer.echo(f"{name} is disabled")
