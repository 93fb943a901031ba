"""`qbrain alphalens`: an evaluated factor as the frame that alphalens reads."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.printing import counted
from qbrain_core.errors import InvalidInputError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `alphalens`.

    Parameters
    ----------
    app : Typer
    """
    app.command()(alphalens)


def alphalens(
    run_id: Annotated[str, typer.Argument(help="Evaluation: the id of its job.")],
    factor: Annotated[str, typer.Argument(help="Factor that it judged.")],
    file: Annotated[Path, typer.Argument(help="Parquet file to write.")],
    periods: Annotated[str, typer.Option(help="Sessions held, with commas.")] = "1,5,10",
) -> None:
    """Write the factor_data frame of alphalens: pandas.read_parquet gives it back with its index."""
    from lake import open_lake
    from lake.alphalens import factor_data

    parts = periods.split(",")
    if not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        raise InvalidInputError("--periods", periods, "it is whole numbers from 1 with commas between them")
    if not file.parent.is_dir():
        raise InvalidInputError("FILE", str(file), "there is no such folder")
    frame = factor_data(open_lake(), run_id, factor, periods=[int(part) for part in parts])
    frame.to_parquet(file)
    typer.echo(f"{file}: {counted(len(frame), 'row')}")
