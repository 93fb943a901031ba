"""`qbrain lake`: what is in the lake, what happened to it, and how to put it right."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import upkeep
from app.cli.printing import ask, counted, print_frame, print_json, sized
from qbrain_core.errors import InvalidInputError

if TYPE_CHECKING:
    import polars as pl

    from lake import Lake
    from lake.history import TableVersion

__all__ = ["register"]

_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]
_Table = Annotated[str, typer.Argument(help="Table, or a factor set for its newest table.")]

_lake = typer.Typer(no_args_is_help=True, help="Look into the lake's history and look after its files.")


def register(app: typer.Typer) -> None:
    """Add the group `lake`.

    Parameters
    ----------
    app : Typer
    """
    upkeep.register(_lake)
    app.add_typer(_lake, name="lake")


@_lake.command()
def tables(as_json: _AsJson = False) -> None:
    """List the tables: rows, size, version, and the last write."""
    from lake.history import table_facts

    lake = _open()
    facts = table_facts(lake)
    owners = _owners(lake, [f.newest for f in facts])
    if as_json:
        print_json(
            [
                {"table": f.table, "size_bytes": f.size_bytes, **_version(f.newest, owners)}
                for f in facts
            ]
        )  # fmt: skip
        return
    typer.echo(f"{'table':<28} {'rows':>13} {'files':>6} {'size':>9} {'version':>7}  last write")
    for f in facts:
        n = f.newest
        typer.echo(
            f"{f.table:<28} {n.rows:>13,} {n.files:>6} {sized(f.size_bytes):>9} {n.version:>7}  {_who(n, owners)}"
        )


@_lake.command()
def versions(
    table: _Table,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many, newest first.")] = 20,
    as_json: _AsJson = False,
) -> None:
    """List the versions of a table: when, what was done, how many rows it had then, and which job did it."""
    from lake.history import table_versions

    lake = _open()
    found = table_versions(lake, table, limit=limit)
    owners = _owners(lake, found)
    if as_json:
        print_json([_version(v, owners) for v in found])
        return
    typer.echo(f"{'version':>7}  {'rows':>13} {'files':>6}  write")
    for v in found:
        typer.echo(f"{v.version:>7}  {v.rows:>13,} {v.files:>6}  {_who(v, owners)}")


@_lake.command()
def diff(
    table: _Table,
    old: Annotated[str, typer.Argument(help="Version, time or pin.")],
    new: Annotated[str | None, typer.Argument(help="Version, time or pin; empty: now.")] = None,
    examples: Annotated[int, typer.Option(min=0, max=1000, help="Rows shown of each kind.")] = 5,
    as_json: _AsJson = False,
) -> None:
    """Compare two points of a table's history: rows added, changed and removed."""
    found = _open().diff(table, _point(old), None if new is None else _point(new))
    kinds = {"added": found.added, "changed": found.changed, "removed": found.removed}
    if as_json:
        counts = {kind: frame.height for kind, frame in kinds.items()}
        rows = {kind: json.loads(frame.head(examples).write_json()) for kind, frame in kinds.items()}
        print_json({"table": found.table.name, "old": found.old, "new": found.new, **counts, "examples": rows})
        return
    counted = ", ".join(f"{frame.height:,} {kind}" for kind, frame in kinds.items())
    typer.echo(f"{found.table.name} version {found.old} → {found.new}: {counted}")
    for kind, frame in kinds.items():
        if frame.height and examples:
            typer.echo(f"\n{kind}:")
            print_frame(_told(frame, found.table.key) if kind == "changed" else frame, examples)


@_lake.command()
def rollback(
    table: _Table, version: Annotated[int, typer.Argument(min=0, help="Version to go back to.")], yes: _Yes = False
) -> None:
    """Make the rows of an older version the newest ones, in a new version; history stays as it is."""
    from lake.stewardship import rollback as roll_back

    lake = _open()
    name = lake.catalog.find(table)
    then, now = lake.snapshot(name, as_of={name: version}), lake.snapshot(name)
    here, there = (f"version {s.version} ({counted(s.rows, 'row')})" for s in (now, then))
    ask(f"{name}: go from {here} back to {there}?", yes=yes)
    done = roll_back(lake, name, version, user=lake.settings.owner)
    if done.version == done.before:
        typer.echo(f"{name} has the rows of version {version} already; nothing was done")
    else:
        typer.echo(f"{name} version {done.version} has the rows of version {version}: {done.rows:,}")


@_lake.command()
def delete(
    table: _Table,
    where: Annotated[
        list[str] | None, typer.Option("--where", help="column=value, repeated: all must hold; column= for no value.")
    ] = None,
    dry_run: _DryRun = False,
    yes: _Yes = False,
) -> None:
    """Delete the rows that match, in a new version; older versions keep them until they are cleaned up."""
    from lake.stewardship import count_rows, delete_rows

    lake = _open()
    name, wanted = lake.catalog.find(table), _where(where or [])
    count = count_rows(lake, name, wanted)
    if dry_run or not count:
        typer.echo(f"{name}: {counted(count, 'row')} to delete" + ("; nothing was done" if not count else ""))
        return
    ask(f"{name}: delete {counted(count, 'row')}?", yes=yes)
    done = delete_rows(lake, name, wanted, user=lake.settings.owner)
    typer.echo(f"{name} version {done.version}: {counted(done.removed, 'row')} deleted, {done.rows:,} left")


@_lake.command()
def pin(
    name: Annotated[str, typer.Argument(help="Name to keep the versions under.")],
    as_of: Annotated[str | None, typer.Option(help="A time, another pin, or bars=12,factors=3; empty: now.")] = None,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Keep a point of the lake's history under a name: what it shows is never cleaned up."""
    from lake.stewardship import pin as set_pin

    lake = _open()
    kept = set_pin(lake, name, user=lake.settings.owner, as_of=as_of, note=note)
    typer.echo(f"pin {name} keeps {len(kept)} tables: " + ", ".join(f"{t}={v}" for t, v in kept.items() if v))


@_lake.command()
def pins(as_json: _AsJson = False) -> None:
    """List the pins, newest first."""
    from lake.records import open_records
    from qbrain_core.settings import Settings

    rows = open_records(Settings()).pins()
    if as_json:
        print_json(
            [
                {"name": r.name, "owner": r.owner, "created_at": r.created_at, "note": r.note, "versions": r.versions}
                for r in rows
            ]
        )
        return
    if not rows:
        typer.echo("no pins")
    for r in rows:
        kept = ", ".join(f"{t}={v}" for t, v in r.versions.items() if v)
        typer.echo(f"{r.name:<24} {r.created_at:%Y-%m-%d %H:%M}  {r.owner:<12} {r.note}")
        typer.echo(f"{'':<24} {kept}")


@_lake.command()
def unpin(name: Annotated[str, typer.Argument(help="Pin.")], yes: _Yes = False) -> None:
    """Forget a pin: versions that it alone kept go with the next vacuum."""
    from lake.stewardship import unpin as remove_pin

    lake = _open()
    ask(f"forget pin {name}?", yes=yes)
    kept = remove_pin(lake, name, user=lake.settings.owner)
    typer.echo(f"pin {name} is gone; it kept " + ", ".join(f"{t}={v}" for t, v in kept.items() if v))


def _open() -> "Lake":
    from lake import open_lake

    return open_lake()


def _point(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _where(pairs: Sequence[str]) -> dict[str, str | None]:
    where: dict[str, str | None] = {}
    for pair in pairs:
        column, separator, value = pair.partition("=")
        if not separator or not column.strip():
            raise InvalidInputError("--where", pair, "it is written column=value, for example instrument=AAPL.US")
        where[column.strip()] = value or None
    if not where:
        raise InvalidInputError("--where", [], "rows to delete are named: --where instrument=AAPL.US")
    return where


def _owners(lake: "Lake", found: "Sequence[TableVersion]") -> dict[str, str]:
    from sqlalchemy import select

    from lake.records import open_records
    from lake.records.models import JobRow

    ids = {v.job for v in found if v.job}
    with open_records(lake.settings).read() as session:
        return {row.id: row.owner for row in session.execute(select(JobRow.id, JobRow.owner).where(JobRow.id.in_(ids)))}


def _version(v: "TableVersion", owners: dict[str, str]) -> dict[str, Any]:
    return {
        "version": v.version, "made_at": v.made_at, "operation": v.operation, "job": v.job,
        "owner": owners.get(v.job, ""), "rows": v.rows, "files": v.files, "changes_data": v.changes_data,
    }  # fmt: skip


def _who(v: "TableVersion", owners: dict[str, str]) -> str:
    when = f"{v.made_at:%Y-%m-%d %H:%M:%S}" if v.made_at else "?"
    owner = owners.get(v.job)
    return f"{when}  {v.operation:<10}  {v.job}" + (f" ({owner})" if owner else "")


def _told(frame: "pl.DataFrame", key: Sequence[str]) -> "pl.DataFrame":
    # of a changed row, the columns that changed in any of them, old beside new
    values = [name for name in frame.columns if name not in key and f"{name}_before" in frame.columns]
    moved = [name for name in values if not frame[name].eq_missing(frame[f"{name}_before"]).all()]
    return frame.select(*key, *(column for name in moved for column in (f"{name}_before", name)))
