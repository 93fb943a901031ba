"""Write docs/quality.md: every check in words, every known piece of dirt with what found it, and the false alarms."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from bench.quality.dirt import DIRT, Dirt
from bench.quality.exhibit import concerned, found_in
from bench.quality.judges import judges
from bench.quality.other_sets import OTHER_SETS
from bench.quality.us_sets import US_SETS
from lake.quality import SUBJECTS, Check
from lake.quality.repairs import REPAIRS

__all__ = ["Result", "checks_part", "dirt_lines", "page", "results", "satisfied"]

_TITLES = {
    "damage": "Damaged lines", "bars": "Bars by themselves", "moves": "Moves, factors, actions", "calendar": "Calendar",
    "intraday": "Intraday bars", "membership": "Universes", "fundamentals": "Fundamentals and ratios",
    "reference": "Instruments and symbols", "deliveries": "Delivered rows", "files": "Files as a whole",
    "cross_source": "Between sources",
}  # fmt: skip
_STAGES = {"incoming": "on the way in", "stored": "in the lake", "delivery": "per file"}

_HEAD = """# Quality

Written by `python -m bench.quality ../shared/data > docs/quality.md`; a test fails where this page is out of date.

Every check is data (`lake/quality/`): a name, a severity, the tables it judges, a sentence, and an expression or frame
function. Three severities:

- **error**: the row is refused and kept in table `quarantine` with the name of the check; all other rows are written.
- **warning**: told in table `findings` and let pass.
- **note**: true and worth knowing though nothing is wrong; the standing check tells notes with `--notes`.

Checks run on every delivery, and over what is stored with `qbrain check --market US` (a job of kind `check`,
so a schedule
can run it). `qbrain checks` lists them. What was found is repaired by a job of kind `clean`: see the end of this page.
"""

_DIRT_HEAD = """## What is known to be wrong with twelve data sets, and what finds it

Each line names a piece of dirt that the sets' own descriptions name (or that was found here), the check that has to '
'find
it, the rows it found there,
and one of them. `planted` marks dirt that the descriptions name and the files at hand do not
hold: it was put into a copy of them.

| data set | dirt | check | found | for example |
|---|---|---|---|---|"""

_FALSE_HEAD = """## False alarms

A finding is judged where an independent source knows the same instrument and day,
and false where that source contradicts
it. The rule stands beside each count. Findings that no second source can judge are counted as found only.

| data set | check | found | judged | false | rule |
|---|---|---|---|---|---|"""

_SILENT_HEAD = """## All findings

What every check found in every set, rows concerned. A set or check that is not here found nothing. Files that have no
columns for a check are not judged by it.

| data set | findings |
|---|---|"""

_REPAIRS_HEAD = """## Repairs

`qbrain clean --market US --repair fix_ohlc` shows what would change; `--apply --reason "…"` writes it as a new version
of the table. Findings and the audit trail keep who did it and why; the version before stays readable (`as_of`) and
`qbrain lake rollback` brings it back. A repair that was worked out on a version that has changed meanwhile is worked
out anew. No repair invents a price.

| repair | tables | what it does | answers |
|---|---|---|---|"""


@dataclass(frozen=True)
class Result:
    """What the checks found in one exhibit."""

    exhibit: str
    rows: int
    found: dict[str, pl.DataFrame]


def results(data: Path, only: Collection[str] = ()) -> list[Result]:
    """Run every check over every data set.

    Parameters
    ----------
    data : Path
        Folder of the data sets.
    only : collection of str
        Keys of `US_SETS` and `OTHER_SETS`; empty: all.

    Returns
    -------
    list of Result
    """
    made = []
    for name, read in (US_SETS | OTHER_SETS).items():
        if not only or name in only:
            made += [Result(exhibit.name, exhibit.rows.height, found_in(exhibit)) for exhibit in read(data)]
    return made


def satisfied(dirt: Dirt, found: list[Result]) -> bool:
    """Tell whether a piece of dirt was found by its check, where and as often as it is known.

    Parameters
    ----------
    dirt : Dirt
    found : list of Result

    Returns
    -------
    bool
    """
    parts = _parts(dirt, found)
    labels = {label for rows in parts for label in _labels(rows)}
    count = sum(concerned(dirt.check, rows) for rows in parts)
    return bool(parts) and set(dirt.at) <= labels and dirt.count in (None, count)


def page(data: Path) -> str:
    """Write the page.

    Parameters
    ----------
    data : Path
        Folder of the data sets.

    Returns
    -------
    str
        Markdown.
    """
    found = results(data)
    return "\n".join([checks_part(), *dirt_lines(found), "", *_false_part(found, data), "", *_all_part(found), ""])


def checks_part() -> str:
    """Write the part that needs no data: every check and every repair.

    Returns
    -------
    str
        Markdown.
    """
    lines = [_HEAD, "## Checks", ""]
    for subject, checks in SUBJECTS.items():
        lines += [
            f"### {_TITLES[subject]}",
            "",
            "| check | severity | tables | runs | what it means |",
            "|---|---|---|---|---|",
        ]
        lines += [_check_line(check) for check in checks]
        lines.append("")
    lines.append(_REPAIRS_HEAD)
    for repair in REPAIRS.values():
        answers = ", ".join(f"`{name}`" for name in repair.answers)
        lines.append(f"| `{repair.name}` | {', '.join(repair.tables)} | {repair.sentence} | {answers} |")
    return "\n".join([*lines, ""])


def _check_line(check: Check) -> str:
    tables = ", ".join(check.tables) or "all"
    runs = ", ".join(_STAGES[stage] for stage in check.stages) or "on the way in"
    return f"| `{check.name}` | {check.severity} | {tables} | {runs} | {check.sentence} |"


def dirt_lines(found: list[Result], dirts: Collection[Dirt] = DIRT) -> Iterator[str]:
    """Write what was known and what was found.

    Parameters
    ----------
    found : list of Result
    dirts : collection of Dirt

    Yields
    ------
    str
        The head, then a line for each.
    """
    yield _DIRT_HEAD
    for dirt in dirts:
        parts = _parts(dirt, found)
        count = sum(concerned(dirt.check, rows) for rows in parts)
        label = dirt.at[0] if dirt.at else next((x for rows in parts for x in _labels(rows)), "")
        mark = f"{count:,}" if satisfied(dirt, found) else f"**not found** ({count:,})"
        yield f"| {dirt.data_set} | {dirt.words} | `{dirt.check}` | {mark} | {label} |"


def _false_part(found: list[Result], data: Path) -> Iterator[str]:
    yield _FALSE_HEAD
    by_name = {result.exhibit: result for result in found}
    for judge in judges(data):
        for check in judge.checks:
            rows = by_name[judge.exhibit].found.get(check)
            if rows is None:
                yield f"| {judge.exhibit} | `{check}` | 0 | | | |"
                continue
            verdict = judge.judge(rows)
            line = f"{rows.height:,} | {verdict.judged:,} | {verdict.false:,} | {judge.words}"
            yield f"| {judge.exhibit} | `{check}` | {line} |"


def _all_part(found: list[Result]) -> Iterator[str]:
    yield _SILENT_HEAD
    for name, parts in _by_set(found).items():
        counts: dict[str, int] = {}
        for result in parts:
            for check, rows in result.found.items():
                counts[check] = counts.get(check, 0) + concerned(check, rows)
        rows_in = sum(result.rows for result in parts)
        told = ", ".join(
            f"`{check}` {n:,}" for check, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        )
        yield f"| {name} ({rows_in:,} rows) | {told or 'nothing'} |"


def _by_set(found: list[Result]) -> dict[str, list[Result]]:
    # deliveries of one source are one line
    groups: dict[str, list[Result]] = {}
    for result in found:
        groups.setdefault(result.exhibit.partition("/")[0], []).append(result)
    return groups


def _parts(dirt: Dirt, found: list[Result]) -> list[pl.DataFrame]:
    return [
        result.found[dirt.check]
        for result in found
        if result.exhibit.startswith(dirt.exhibit) and dirt.check in result.found
    ]


_NAMED = ("instrument", "file", "column", "tenor")
_DAYS = ("session", "period_end", "day")


def _labels(rows: pl.DataFrame) -> list[str]:
    # every way a row can be called: its name, its day, and both
    name = next((rows[c].cast(pl.String) for c in _NAMED if c in rows.columns), None)
    day = next((rows[c].cast(pl.String) for c in _DAYS if c in rows.columns), None)
    labels: list[str] = []
    if name is not None and day is not None:
        labels += (name + " " + day).drop_nulls().unique(maintain_order=True).to_list()
    for part in (name, day, rows["members"].cast(pl.String) if "members" in rows.columns else None):
        if part is not None:
            labels += part.drop_nulls().unique(maintain_order=True).to_list()
    return labels
