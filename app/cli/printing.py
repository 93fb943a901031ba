"""How commands print: JSON, frames, sizes and counts; and how they ask."""

import json
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ask", "counted", "print_frame", "print_json", "sized"]


def ask(question: str, *, yes: bool) -> None:
    """Go on only where the user agrees.

    Parameters
    ----------
    question : str
    yes : bool
        The user has agreed already.

    Raises
    ------
    Abort
        If the answer is no, or nobody is there to give one; exit status 1.
    """
    if not yes:
        typer.confirm(question, abort=True)


def counted(number: int, noun: str) -> str:
    """Word a number of things.

    Parameters
    ----------
    number : int
    noun : str
        Of one.

    Returns
    -------
    str
        `1 row`, `2,000 rows`.
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def sized(size_bytes: int) -> str:
    """Word a size.

    Parameters
    ----------
    size_bytes : int

    Returns
    -------
    str
        `8.3 KiB`.
    """
    if size_bytes < 1024:
        return f"{size_bytes} B"
    amount = size_bytes / 1024
    for unit in ("KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def print_frame(frame: "pl.DataFrame", rows: int) -> None:
    """Print the first rows of a frame as a table.

    Parameters
    ----------
    frame : DataFrame
    rows : int
    """
    import polars as pl

    with pl.Config(
        tbl_rows=rows, tbl_cols=-1, tbl_width_chars=200, fmt_str_lengths=40, tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
    ):  # fmt: skip
        typer.echo(str(frame.head(rows)))


def print_json(value: Any) -> None:
    """Print a value as one line of JSON; instants and dates as text.

    Parameters
    ----------
    value : object
    """
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))
