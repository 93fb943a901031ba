"""`qbrain factors`: the factor sets that ship and those that people keep."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.printing import counted, print_json
from qbrain_core.errors import InvalidInputError

if TYPE_CHECKING:
    from lake.records import Records
    from qbrain_core.factors import FactorSet

__all__ = ["register"]

_factors = typer.Typer(help="Factor sets: those that ship and those that people keep; without a command: list them.")
_Name = Annotated[str, typer.Argument(help="Set.")]
_Reference = Annotated[str, typer.Argument(help="Set; momentum@3 for one of its versions.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the group `factors`.

    Parameters
    ----------
    app : Typer
    """
    app.add_typer(_factors, name="factors", invoke_without_command=True)


@_factors.callback()
def _without_a_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_()


@_factors.command("list")
def list_(
    archived: Annotated[bool, typer.Option(help="With those that were put away.")] = False, as_json: _Json = False
) -> None:
    """List the sets you may see."""
    from lake.records.factor_sets import list_sets

    records, user = _records()
    _print(list_sets(records, user=user, archived=archived), as_json)


@_factors.command()
def versions(name: _Name, as_json: _Json = False) -> None:
    """List the versions of a set, newest first."""
    from lake.records.factor_sets import set_versions

    records, user = _records()
    _print(set_versions(records, name, user=user), as_json)


@_factors.command()
def show(reference: _Reference, as_json: _Json = False) -> None:
    """Show a set with its expressions."""
    factors = _found(reference)
    if as_json:
        print_json(_summary(factors) | {"expressions": dict(factors.expressions)})
        return
    _print([factors], as_json=False)
    if factors.description:
        typer.echo(factors.description)
    width = max(len(name) for name in factors.expressions)
    for name, text in factors.expressions.items():
        typer.echo(f"  {name:<{width}}  {text}")


@_factors.command()
def save(
    file: Annotated[Path, typer.Argument(help="YAML or JSON file with name and expressions.")],
    name: Annotated[str, typer.Option(help="What to call the set; empty: as the file says.")] = "",
    as_json: _Json = False,
) -> None:
    """Keep the set of a file: as a new set, or as the next version of yours of that name."""
    from lake.records.factor_sets import save_set
    from qbrain_core.factors.set_text import read_set

    records, user = _records()
    try:
        text = file.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError("file", str(file), f"it cannot be read: {error}") from None
    _print([save_set(records, read_set(text, owner=user, name=name))], as_json)


@_factors.command()
def export(
    reference: _Reference,
    to: Annotated[Path | None, typer.Option(help="File to write, which must not exist; empty: print it.")] = None,
) -> None:
    """Write a set as YAML, which `save` reads."""
    from qbrain_core.factors.set_text import write_set

    text = write_set(_found(reference))
    if to is None:
        typer.echo(text, nl=False)
        return
    try:
        with to.expanduser().open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise InvalidInputError("--to", str(to), f"it cannot be written: {error.strerror}") from None
    typer.echo(f"{reference} is in {to}")


@_factors.command()
def archive(name: _Name) -> None:
    """Put a set of yours away; what was made with it stays."""
    from lake.records.factor_sets import archive_set

    records, user = _records()
    typer.echo(f"{archive_set(records, name, owner=user).name} is put away")


@_factors.command()
def restore(name: _Name) -> None:
    """Bring a set back that was put away."""
    from lake.records.factor_sets import archive_set

    records, user = _records()
    typer.echo(f"{archive_set(records, name, owner=user, archived=False).name} is back")


@_factors.command()
def share(
    name: _Name, visibility: Annotated[str, typer.Argument(help="Who may see it: private, team or public.")]
) -> None:
    """Say who may see a set of yours."""
    from lake.records.factor_sets import share_set

    records, user = _records()
    shared = share_set(records, name, visibility, owner=user)
    typer.echo(f"{shared.name} is {shared.visibility}")


def _records() -> "tuple[Records, str]":
    from lake.records import open_records
    from qbrain_core.settings import Settings

    settings = Settings()
    return open_records(settings), settings.owner


def _found(reference: str) -> "FactorSet":
    from lake.records.factor_sets import find_set

    records, user = _records()
    return find_set(records, reference, user=user)


def _summary(factors: "FactorSet") -> dict[str, object]:
    return {
        "name": factors.name, "version": factors.version, "factors": len(factors.expressions),
        "digest": factors.digest, "owner": factors.owner, "author": factors.author,
        "visibility": factors.visibility, "archived": factors.archived,
        "saved_at": factors.saved_at.isoformat() if factors.saved_at else None, "description": factors.description,
    }  # fmt: skip


def _print(sets: "list[FactorSet]", as_json: bool) -> None:
    if as_json:
        print_json([_summary(s) for s in sets])
        return
    for s in sets:
        when = f"{s.saved_at:%Y-%m-%d %H:%M}" if s.saved_at else "ships"
        away = ", put away" if s.archived else ""
        typer.echo(
            f"{s.reference:<24} {counted(len(s.expressions), 'factor'):<14} {when:<16} {s.digest[:8]}  "
            f"{s.owner}, {s.visibility}{away}"
        )
