"""Judge rows by checks: part the bad from the good, tell what is odd."""

from collections.abc import Sequence

import polars as pl

from lake.quality.check import Check, Finding, finding
from lake.quality.surroundings import Surroundings

__all__ = ["conflicting_duplicate", "examine", "take_repeats", "warn"]

_REFUSED = {"row": pl.UInt32, "check": pl.String}


def examine(
    frame: pl.DataFrame, checks: Sequence[Check], around: Surroundings | None = None
) -> tuple[pl.DataFrame, pl.DataFrame, list[Finding]]:
    """Part rows that break an error from those that do not.

    Parameters
    ----------
    frame : DataFrame
        Columns the checks need, and `row`, a number of its own for each.
    checks : sequence of Check
        In order of precedence.
    around : Surroundings, optional

    Returns
    -------
    good : DataFrame
        Rows that break nothing, in their order.
    refused : DataFrame, columns (row: u32, check: str)
        The others, with the first check they break.
    findings : list of Finding
        One per check that refused a row.
    """
    around = around or Surroundings()
    applicable = [c for c in checks if c.applies(frame)]
    marks = [_mark(check, frame, around) for check in applicable]
    if not any(isinstance(m, pl.Expr) or m.any() for m in marks):
        return frame, pl.DataFrame(schema=_REFUSED), []
    reason = pl.coalesce(
        pl.when(pl.lit(m) if isinstance(m, pl.Series) else m).then(pl.lit(c.name))
        for c, m in zip(applicable, marks, strict=True)
    )
    judged = frame.with_columns(_check=reason)
    bad = judged.filter(pl.col("_check").is_not_null())
    findings = [
        finding(check, rows) for check in applicable if (rows := bad.filter(pl.col("_check") == check.name)).height
    ]
    good = frame if bad.is_empty() else judged.filter(pl.col("_check").is_null()).drop("_check")
    return good, bad.select(pl.col("row").cast(pl.UInt32), check="_check"), findings


def warn(frame: pl.DataFrame, checks: Sequence[Check], around: Surroundings | None = None) -> list[Finding]:
    """Look for what is odd and let it pass.

    Parameters
    ----------
    frame : DataFrame
        Bars sorted by instrument and session.
    checks : sequence of Check
    around : Surroundings, optional

    Returns
    -------
    list of Finding
        One per check that found a row.
    """
    around = around or Surroundings()
    applicable = [c for c in checks if c.applies(frame)]
    expressions = [(c.name, c.how.fill_null(False)) for c in applicable if isinstance(c.how, pl.Expr)]
    marks = frame.select(e.alias(name) for name, e in expressions)
    found = []
    for check in applicable:
        if check.name in marks.columns:
            rows = frame.filter(marks[check.name]) if marks[check.name].any() else frame.clear()
        else:
            rows = check.find(frame, around)
        if rows.height:
            found.append(finding(check, rows))
    return found


def take_repeats(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Keep one of rows that are the same in everything but their number.

    Parameters
    ----------
    frame : DataFrame
        With `row`.

    Returns
    -------
    DataFrame
        The first of each, in their order.
    list of Finding
        `repeated_row`, or nothing.
    """
    others = [c for c in frame.columns if c != "row"]
    kept = frame.unique(others, keep="first", maintain_order=True)
    if kept.height == frame.height:
        return frame, []
    dropped = frame.join(kept.select("row"), on="row", how="anti")
    return kept, [finding(REPEATED_ROW, dropped)]


def conflicting_duplicate(*key: str) -> Check:
    """Make the check for rows that agree in their key and in nothing else; take repeats out before.

    Parameters
    ----------
    *key : str

    Returns
    -------
    Check
    """
    return Check(
        "conflicting_duplicate", "error", (),
        f"The same {' and '.join(key)} occurs with different values; none of the rows is taken.",
        pl.struct(key).is_duplicated(), shown=("close", "volume", "name"), needs=key,
    )  # fmt: skip


REPEATED_ROW = Check(
    "repeated_row", "warning", (), "The row occurs more than once; one was taken.",
    lambda rows, _: rows.filter(pl.struct(pl.exclude("row")).is_duplicated()), stages=(),
)  # fmt: skip


def _mark(check: Check, frame: pl.DataFrame, around: Surroundings) -> pl.Expr | pl.Series:
    if isinstance(check.how, pl.Expr):
        return check.how.fill_null(False)
    found = check.how(frame, around)
    if found.is_empty():
        return pl.Series([False]).new_from_index(0, frame.height)
    return frame["row"].is_in(found["row"].implode())
