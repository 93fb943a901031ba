"""Ask whether the data is sound, and repair what is not."""

import json
from datetime import datetime
from typing import Annotated, Any

import typer

__all__ = ["register"]

_AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON object.")]
_Market = Annotated[str, typer.Option(help="CN, US, HK, FX, CRYPTO or DEMO.")]


def register(app: typer.Typer) -> None:
    """Add `check`, `checks` and `clean`.

    Parameters
    ----------
    app : Typer
    """
    app.command()(check)
    app.command()(checks)
    app.command()(clean)


def check(
    market: _Market,
    table: Annotated[list[str] | None, typer.Option(help="Table to judge, repeated; all when left out.")] = None,
    name: Annotated[
        list[str] | None, typer.Option("--check", help="Check to run, repeated; all when left out.")
    ] = None,
    notes: Annotated[bool, typer.Option("--notes", help="Also tell what is odd but not wrong.")] = False,
    as_json: _AsJson = False,
) -> None:
    """Run the standing checks over the lake; exit 1 where an error was found."""
    document = {
        "kind": "check", "name": f"check {market}", "market": market, "tables": table or [], "checks": name or [],
        "notes": notes,
    }  # fmt: skip
    result = _run(document)
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, default=str))
    else:
        for judged, facts in result["tables"].items():
            told = f"{facts['rows']:,} rows at version {facts['version']}, {len(facts['checks'])} checks"
            typer.echo(f"{judged:<20} {told}")
        for found in result["findings"]:
            place = f"{found['table']:<18} {found['severity']:<8} {found['check']:<24}"
            typer.echo(f"  {place} {found['rows']:>10,} rows, e.g. {found['examples'][:1]}")
        typer.echo(f"{result['errors']} errors, {result['warnings']} warnings")
    raise typer.Exit(1 if result["errors"] else 0)


def checks(as_json: _AsJson = False) -> None:
    """List every check there is: what it looks for, in which tables."""
    from lake.quality import CHECKS

    rows = [
        {"check": c.name, "severity": c.severity, "tables": list(c.tables), "stages": list(c.stages),
        "what": c.sentence}
        for c in CHECKS.values()
    ]  # fmt: skip
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        typer.echo(f"{row['check']:<24} {row['severity']:<8} {row['what']}")


def clean(
    market: _Market,
    repair: Annotated[str, typer.Option(help="Name of the repair; a wrong one lists them.")],
    table: Annotated[str, typer.Option(help="Table to repair.")] = "bars",
    instrument: Annotated[list[str] | None, typer.Option(help="Only this instrument, repeated.")] = None,
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day.")] = None,
    ratio: Annotated[float | None, typer.Option(help="New shares per old, for book_split.")] = None,
    from_job: Annotated[str, typer.Option(help="Job whose refused rows are accepted.")] = "",
    row: Annotated[list[int] | None, typer.Option(help="Number of a refused row, repeated.")] = None,
    name: Annotated[list[str] | None, typer.Option("--check", help="Accept what this check refused, repeated.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write it; without, it is only shown.")] = False,
    reason: Annotated[str, typer.Option(help="Why; required with --apply.")] = "",
    as_json: _AsJson = False,
) -> None:
    """Show what a repair would change, and with --apply change it in a new version of the table."""
    document = {
        "kind": "clean", "name": f"{repair} {table}", "market": market, "repair": repair, "table": table,
        "instruments": instrument or [], "start": start.date().isoformat() if start else None,
        "end": end.date().isoformat() if end else None, "ratio": ratio, "from_job": from_job, "rows": row or [],
        "checks": name or [], "preview": not apply, "reason": reason,
    }  # fmt: skip
    result = _run(document)
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, default=str))
        return
    done = "changed" if result["applied"] else "would change"
    typer.echo(f"{result['repair']}: {done} {result['rows_changed']} rows and remove {result['rows_removed']}")
    for example in result["examples"]:
        typer.echo(f"  before {example['before']}")
        typer.echo(f"  after  {example['after']}")
    if result["applied"]:
        typer.echo(f"version {result['version']}; take it back with: qbrain lake rollback {result['table']} "
                   f"{result['version_before']}")  # fmt: skip


def _run(document: dict[str, Any]) -> dict[str, Any]:
    import jobs
    from qbrain_core.specs import parse_spec

    job = jobs.run(parse_spec(document), force=True)
    if job.status != "succeeded":
        typer.echo(f"qbrain: {job.error}" + (f" → {job.hint}" if job.hint else ""), err=True)
        raise typer.Exit(1)
    return job.result or {}
