"""Bring files into the lake and ask it questions."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from qbrain_core.errors import InvalidInputError, UnknownNameError

__all__ = ["register"]

_FORMATS = ("table", "json", "csv")


def register(app: typer.Typer) -> None:
    """Add `ingest` and `sql`.

    Parameters
    ----------
    app : Typer
    """
    app.command()(ingest)
    app.command()(sql)


def ingest(
    path: Annotated[Path, typer.Argument(help="CSV, CSV.gz, TSV or Parquet file.")],
    market: Annotated[str, typer.Option(help="CN, US, HK, FX, CRYPTO or DEMO.")],
    currency: Annotated[str, typer.Option(help="ISO code of the prices; empty: the market's own.")] = "",
    table: Annotated[str, typer.Option(help="Table to write: bars, instruments, universes …")] = "bars",
    column: Annotated[
        list[str] | None, typer.Option("--map", help="ours=theirs, repeated; ours==value for a constant.")
    ] = None,
    price_basis: Annotated[str, typer.Option(help="raw or split_adjusted.")] = "raw",
    universe: Annotated[str, typer.Option(help="Name of the universe, for --table universes.")] = "",
    adjustments: Annotated[
        Path | None, typer.Option(help="File with cumulative factors: instrument, session, factor.")
    ] = None,
    adjustment_column: Annotated[
        list[str] | None, typer.Option("--map-adjustments", help="ours=theirs in that file, repeated.")
    ] = None,
    header: Annotated[bool, typer.Option(help="Whether a text file's first line names its columns.")] = True,
    kind: Annotated[
        str, typer.Option(help="Kind of instruments not known yet: stock, etf, index or currency.")
    ] = "stock",
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object.")] = False,
) -> None:
    """Read a file into a table: good rows are written, bad ones quarantined with their reason."""
    import jobs
    from qbrain_core.specs import parse_spec

    document: dict[str, Any] = {
        "kind": "ingest", "name": f"ingest {path.name}", "path": str(path.expanduser().resolve()), "market": market,
        "currency": currency, "table": table, "columns": _mapping(column or []), "price_basis": price_basis,
        "universe": universe, "header": header, "instrument_kind": kind,
    }  # fmt: skip
    if adjustments is not None:
        columns = _mapping(adjustment_column or [])
        document["adjustments"] = {"path": str(adjustments.expanduser().resolve()), "columns": columns}
    # whoever names a file wants it read now, also where the same file was read before; what is there already stays
    job = jobs.run(parse_spec(document), force=True)
    if job.status != "succeeded":
        typer.echo(f"qbrain: {job.error}" + (f" → {job.hint}" if job.hint else ""), err=True)
        raise typer.Exit(1)
    result = job.result or {}
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, default=str))
        return
    typer.echo(
        f"{result['table']} version {result['version']}: {result['rows_in']} rows in, {result['rows_written']} good, "
        f"{result['rows_changed']} of them new or changed, {result['rows_quarantined']} quarantined"
    )
    for finding in result["findings"]:
        typer.echo(
            f"  {finding['severity']:<8} {finding['check']:<24} {finding['rows']} rows, e.g. {finding['examples'][:1]}"
        )


def sql(
    query: Annotated[str, typer.Argument(help="One query over the lake's tables; '-' reads it from standard input.")],
    fmt: Annotated[str, typer.Option("--format", help="table, json (one object a line) or csv.")] = "table",
    as_of: Annotated[str | None, typer.Option(help="A time, a pin's name, or bars=12,factors=3.")] = None,
) -> None:
    """Ask the lake in SQL."""
    import sys

    import polars as pl

    from lake import open_lake

    if fmt not in _FORMATS:
        raise UnknownNameError("--format", fmt, _FORMATS)
    frame = open_lake().sql(sys.stdin.read() if query == "-" else query, as_of=as_of)
    if fmt == "csv":
        typer.echo(frame.write_csv(), nl=False)
    elif fmt == "json":
        typer.echo(frame.write_ndjson(), nl=False)
    else:
        with pl.Config(
            tbl_rows=200, tbl_cols=-1, tbl_width_chars=200, fmt_str_lengths=60, tbl_hide_column_data_types=True
        ):
            typer.echo(str(frame))


def _mapping(pairs: list[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for pair in pairs:
        ours, separator, theirs = pair.partition("=")
        if not separator or not ours or not theirs:
            raise InvalidInputError("--map", pair, "it is written ours=theirs, for example session=date")
        mapping[ours.strip()] = theirs.strip()
    return mapping
