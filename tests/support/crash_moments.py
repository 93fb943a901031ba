"""Do one thing to the lake of the environment again and again until killed.

Arguments: what, and a number that tells this run from others. Prints a line before each time.
"""

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from crash_ledger import rows_of

from lake import Lake, open_lake
from lake.tables import Table, factor_table
from lake.vacuum import vacuum


def grown(number: int, *factors: str) -> Table:
    """Declare a factor table as an older or a newer version of it."""
    return replace(factor_table("grow", f"{number:08x}", factors))


def open_it(lake: Lake, run: int, number: int) -> None:
    """Open a lake that another process may have begun to make."""
    open_lake(lake.settings)


def widen(lake: Lake, run: int, number: int) -> None:
    """Write a new column to a table that lacks it."""
    rows = rows_of("A", number).select("instrument", "session", a="close", b="volume")
    name = run * 10_000 + number
    with lake.commit(f"narrow-{name}", 1) as tx:
        tx.upsert(grown(name, "a"), rows.drop("b").head(6))
    with lake.commit(f"wide-{name}", 1) as tx:
        tx.upsert(grown(name, "a", "b"), rows.tail(6))


def roll_back(lake: Lake, run: int, number: int) -> None:
    """Bring the state of version 1 and of version 2 back in turn."""
    lake.rollback("bars", 1 + number % 2, f"back-{run}-{number}")


def clean(lake: Lake, run: int, number: int) -> None:
    """Change a batch and delete what the change left over."""
    with lake.commit(f"change-{run}-{number}", 1) as tx:
        tx.upsert("bars", rows_of("A", run * 10_000 + number))
    vacuum(lake, ["bars"], keep={}, now=datetime.now(UTC) + timedelta(days=60))


WHAT = {f.__name__: f for f in (open_it, widen, roll_back, clean)}


def main(what: str, run: str) -> None:
    if what == "open_it":
        print("begun", flush=True)
    lake = open_lake()
    for number in range(1_000_000):
        print("begun", flush=True)
        WHAT[what](lake, int(run), number)


if __name__ == "__main__":
    main(*sys.argv[1:])
