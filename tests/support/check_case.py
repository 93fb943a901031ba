"""What is asked of every check: it finds its case, counts it right, and is silent beside it."""

import polars as pl

from lake.quality import CHECKS, Surroundings


def assert_finds(name: str, bad: pl.DataFrame, good: pl.DataFrame, count: int, around: Surroundings) -> None:
    """Run the check on rows with `count` faults and on sound ones."""
    check = CHECKS[name]
    assert check.applies(bad)
    found = check.find(bad, around)
    assert (int(found[check.counts].sum()) if check.counts else found.height) == count
    assert check.find(good, around).is_empty()
