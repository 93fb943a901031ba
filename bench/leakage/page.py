"""Write docs/leakage.md: what is checked, every planted leak with what caught it, and the false alarms."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from bench.leakage.honest import HONEST_FRAMES, HONEST_TABLES
from bench.leakage.inputs import INPUTS
from bench.leakage.lakes import LAKES
from bench.leakage.planted import Leak, caught_by
from bench.leakage.real import real_bars, real_fields
from bench.leakage.rows import HONEST_ROWS, ROWS
from bench.leakage.samples import SAMPLES
from bench.leakage.tables import TABLES
from bench.leakage.texts import TEXTS
from bench.leakage.worlds import FROM_LABEL, bars_frame, market_tables
from qbrain_core.factors.leakage import CHECKS, FINDINGS, Finding, Outcome, check_callable, check_expressions
from qbrain_core.factors.leakage.selection import check_selection
from qbrain_core.factors.sets import FACTOR_SETS

__all__ = ["LEAKS", "SETS", "alarms_of_honest", "alarms_of_set", "checks_part", "leak_lines", "page"]

LEAKS: tuple[Leak, ...] = (*TEXTS, *INPUTS, *SAMPLES, *TABLES, *LAKES, *ROWS)
"""Every planted leak."""

SETS = tuple(FACTOR_SETS)
"""Factor sets in which nothing may be found."""

_HEAD = """# Leakage

Written by `python -m bench.leakage ../shared/data > docs/leakage.md`; a test fails where this page is out of date.

A factor dated *t* may know what was known at the close of *t*, and nothing else. Four ways of looking make sure of
it:

- **Static.** An expression's tree says how far it reaches. A negative `Ref` or `Delta` is refused wherever it
  stands, but in labels. Operators across instruments see the rows of one session; reports are seen by the day they
  became public.
- **Probe.** A computation runs on everything, on data cut off at a day, and on data in which every number after
  that day is another. All values up to the day, and the rows themselves, must agree to the bit. It does not matter
  what is computed, or how: the probe takes any Python function.
- **Lake.** The same, for the whole path: small lakes are made of some instruments' rows, one for each day, that end
  there. Bars, valuation, corporate actions and rates end with the session. Spells of universes, industries and
  statuses that began later are gone, those that ended later are open. Reports are there if they had become public,
  restatements likewise. What the table `instruments` says without a date (sector, industry, names) is blank, and
  nobody is delisted yet.
- **Start.** Computed from a later beginning, values must meet once their windows are full. A decaying average never
  quite does: the report says after how many sessions it has.

A rank correlation with the next returns that no honest factor reaches (0.5 over at least 250 values) gives away a
future that was in the data when they were delivered; cutting cannot find that.

Days to cut at are not drawn by chance: in turn the day before most happens (listings, last rows, changes of
membership, large moves, while reports are due), and the day on which most is missing; never the end of a week or
month, where a look-ahead to it would not show.

`kind: factors` probes a set through the lake on a dozen instruments, and keeps the report with the digest of the
set's expressions, by market (`lake.records.leakage_reports`). In a notebook:

```python
from qbrain_core.factors.leakage import check_callable, check_expressions

check_expressions({"mine": "Mean($close, 5)/$close"}, bars).outcome  # 'pass'
report = check_callable(my_function, frame, late={"LABEL0": 2})  # the label is known two sessions later
[f.sentence for f in report.findings]
```

What it cannot see: a look-ahead that shows on none of the rows that are compared (a condition that was never met
before a day that was cut at), and a function that remembers one call in the next. Functions that draw at random are
reported, not judged.
"""


@dataclass(frozen=True)
class Alarm:
    """What the checks said of something honest: how much was compared, and what was found."""

    name: str
    data: str
    compared: str
    findings: tuple[Finding, ...]

    @property
    def false(self) -> int:
        """Findings that say it is a leak."""
        return sum(f.severity is Outcome.FAIL for f in self.findings)

    @property
    def warnings(self) -> int:
        """Findings that ask somebody to look."""
        return sum(f.severity is Outcome.WARN for f in self.findings)


def checks_part() -> str:
    """Write what does not depend on any run: the head, the checks, and the findings."""
    lines = [_HEAD, "## Checks\n", "| check | what it shows where it passes |", "|---|---|"]
    lines += [f"| `{name}` | {sentence} |" for name, sentence in CHECKS.items()]
    lines += ["\n## Findings\n", "| code | meaning |", "|---|---|"]
    lines += [f"| `{code}` | {sentence} |" for code, sentence in FINDINGS.items()]
    return "\n".join(lines) + "\n"


def leak_lines(leaks: Iterable[Leak], examine: Callable[[Leak], str] = caught_by) -> Iterator[str]:
    """Write one line for each leak."""
    for leak in leaks:
        found = examine(leak)
        words = ", ".join(f"`{code}`" for code in found.split(", ")) if found else "**nothing**"
        yield f"| {leak.kind} | {leak.words} | {leak.how} | {words} |"


def alarms_of_set(name: str, fields: pl.DataFrame, data: str) -> Alarm:
    """Check a factor set on real fields."""
    report = check_expressions(FACTOR_SETS[name].expressions, fields, cuts=4)
    sizes = f"{report.factors} factors × {report.rows:,} rows, {report.instruments} stocks, {len(report.cuts)} cuts"
    return Alarm(name, data, sizes, report.findings)


def alarms_of_honest() -> list[Alarm]:
    """Check functions and choices of rows that look like leaks and are none."""
    labels = bars_frame().select("instrument", "session", label="LABEL0")
    frames = [(w, check_callable(f, bars_frame(), late=FROM_LABEL).findings) for w, f in HONEST_FRAMES.items()]
    tables = [(w, check_callable(f, market_tables()).findings) for w, f in HONEST_TABLES.items()]
    rows: list[tuple[str, Any]] = [(w, check_selection(f, labels).findings) for w, f in HONEST_ROWS.items()]
    return [Alarm(words, "made-up market", "", findings) for words, findings in (*frames, *tables, *rows)]


def page(real_data: Path) -> str:
    """Write the whole page."""
    lines = list(leak_lines(LEAKS))
    caught = sum("**nothing**" not in line for line in lines)
    parts = [checks_part(), f"## Planted leaks: {caught} of {len(LEAKS)} caught\n"]
    parts += [
        "Planted in a made-up market with halts, listings, delistings, splits, restatements and moves of industry.\n"
    ]
    parts += ["| kind | leak | planted as | caught by |\n|---|---|---|---|", *lines, ""]
    alarms = []
    for data in ("cn_daily", "us_daily_10y"):
        fields = real_fields(real_bars(real_data, data))
        alarms += [alarms_of_set(name, fields, data) for name in SETS]
    honest = alarms_of_honest()
    alarms.append(
        Alarm("look-alikes", "made-up market", f"{len(honest)} functions", sum((a.findings for a in honest), ()))
    )
    parts += [f"## False alarms: {sum(a.false for a in alarms)}\n"]
    parts += ["Real data with halts, listings and adjustments; and functions that look like leaks and are none.\n"]
    parts += ["| honest | data | compared | false alarms | warnings |\n|---|---|---|---|---|"]
    parts += [f"| {a.name} | {a.data} | {a.compared} | {a.false} | {a.warnings} |" for a in alarms]
    return "\n".join(parts) + "\n"
