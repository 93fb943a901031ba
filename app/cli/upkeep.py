"""`qbrain lake compact`, `vacuum` and `retain`: the work of the nightly upkeep, here and now."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from app.cli.printing import ask, counted, print_json, sized
from qbrain_core.errors import InvalidInputError

__all__ = ["register"]

_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_Tables = Annotated[list[str] | None, typer.Argument(help="Tables; empty: all.")]


def register(group: typer.Typer) -> None:
    """Add the commands.

    Parameters
    ----------
    group : Typer
        The group `lake`.
    """
    for command in (compact, vacuum, retain):
        group.command()(command)


def compact(
    tables: _Tables = None,
    min_files: Annotated[int, typer.Option(min=2, help="Files of a partition from which it pays.")] = 4,
    include_open: Annotated[
        bool, typer.Option("--include-open", help="Also partitions whose year or month still lasts.")
    ] = False,
    dry_run: _DryRun = False,
    as_json: _AsJson = False,
) -> None:
    """Sort the many small files of a partition into few; no row changes."""
    result = _upkeep(("compact",), tables, dry_run=dry_run, min_files=min_files, include_open=include_open)
    if as_json:
        print_json(result)
        return
    for name, did in result["tables"].items():
        files = f"; files {did['files_before']} → {did['files_after']}" if not dry_run else ""
        typer.echo(f"{name}: {_did('compact', dry_run)} {counted(did['partitions_compacted'], 'partition')}{files}")
    if not result["tables"]:
        typer.echo("nothing to compact")


def vacuum(
    tables: _Tables = None,
    keep_days: Annotated[int, typer.Option(min=1, help="Days that old versions stay readable without a pin.")] = 30,
    dry_run: _DryRun = False,
    as_json: _AsJson = False,
) -> None:
    """Delete files that no version worth keeping names; pins, models, backtests and running jobs keep theirs."""
    result = _upkeep(("vacuum",), tables, dry_run=dry_run, keep_days=keep_days)
    if as_json:
        print_json(result)
        return
    for name, did in result["tables"].items():
        typer.echo(
            f"{name}: {_did('delete', dry_run)} {counted(did['files_deleted'], 'file')}, {sized(did['bytes_freed'])}"
        )
    if not result["tables"]:
        typer.echo("nothing to delete")


def retain(
    tables: _Tables = None,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", help="table=days or table/partition=days: bars_intraday/1m=400.")
    ] = None,
    dry_run: _DryRun = False,
    yes: _Yes = False,
    as_json: _AsJson = False,
) -> None:
    """Delete rows past their table's retention, in a new version; older versions keep them until they are vacuumed."""
    limits = _limits(keep or [])
    planned = _upkeep(("retain",), tables, dry_run=True, retention=limits)
    if not dry_run and planned["tables"]:
        rows = ", ".join(f"{did['rows_removed']:,} of {name}" for name, did in planned["tables"].items())
        ask(f"delete rows: {rows}?", yes=yes)
    result = planned if dry_run else _upkeep(("retain",), tables, dry_run=False, retention=limits)
    if as_json:
        print_json(result)
        return
    for name, did in result["tables"].items():
        typer.echo(f"{name}: {_did('delete', dry_run)} {counted(did['rows_removed'], 'row')}")
    if not result["tables"]:
        typer.echo("no row is past its retention")


def _upkeep(steps: tuple[str, ...], tables: list[str] | None, **fields: Any) -> dict[str, Any]:
    # a job like those of the night, run here and now: recorded, and kept apart from the others by the same rules
    import jobs
    from qbrain_core.specs import parse_spec

    name = " ".join(["lake", *steps, *(tables or [])])[:120]
    spec = {"kind": "upkeep", "name": name, "steps": steps, "tables": tables or [], **fields}
    job = jobs.run(parse_spec(spec), force=True)
    if job.status != "succeeded":
        typer.echo(f"qbrain: {job.error}" + (f" → {job.hint}" if job.hint else ""), err=True)
        raise typer.Exit(1)
    return job.result or {}


def _limits(pairs: Sequence[str]) -> dict[str, int]:
    limits = {}
    for pair in pairs:
        table, _, days = pair.rpartition("=")
        if not table or not days.isdigit():
            raise InvalidInputError("--keep", pair, "it is written table=days, for example bars_intraday/1m=400")
        limits[table] = int(days)
    return limits


def _did(verb: str, dry_run: bool) -> str:
    return f"would {verb}" if dry_run else {"compact": "compacted", "delete": "deleted"}[verb]
