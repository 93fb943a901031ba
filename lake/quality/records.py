"""Findings as rows of the table that keeps them."""

import json
from collections.abc import Sequence
from datetime import datetime

import polars as pl

from lake.quality.check import Finding
from lake.rows import polars_schema
from lake.tables import table as fixed_table

__all__ = ["findings_frame"]


def findings_frame(
    findings: Sequence[Finding], *, job_id: str, table: str, source: str, at: datetime, market: str | None = None,
    version: int | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Write findings as rows of table `findings`.

    Parameters
    ----------
    findings : sequence of Finding
        Of one table and one source; of several of one check the first is kept.
    job_id : str
        Job that found them.
    table : str
        Table the rows were meant for, or stand in.
    source : str
        File, profile, or `lake` where stored rows were judged.
    at : datetime
    market : str, optional
    version : int, optional
        Version of the table that was judged.

    Returns
    -------
    DataFrame
        May have no rows.
    """
    first: dict[str, Finding] = {}
    for found in findings:
        first.setdefault(found.check, found)
    rows = [
        {
            "job_id": job_id, "check": f.check, "severity": f.severity, "table": table, "source": source,
            "rows": f.rows, "examples": json.dumps(f.examples, ensure_ascii=False), "created_at": at, "market": market,
            "instruments": f.instruments, "session_from": f.session_from, "session_to": f.session_to,
            "data_version": version,
        }
        for f in first.values()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=polars_schema(fixed_table("findings")))
