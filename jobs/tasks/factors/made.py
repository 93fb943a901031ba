"""What was made of blocks of factors: rows by year, what differs from before, and the files they lie in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from lake.staging import Staged, StagedFile

__all__ = ["Made", "merge"]


@dataclass
class Made:
    """What was made of a block, or of several.

    Attributes
    ----------
    rows, changed, deleted : dict of int to int
        Rows asked for, rows that are new or other than before, and rows that are gone, by year.
    files : list of StagedFile
        All rows of the block in the years that have any.
    instruments : int
    first, last : date, optional
        Sessions that have rows.
    """

    rows: dict[int, int] = field(default_factory=dict)
    changed: dict[int, int] = field(default_factory=dict)
    deleted: dict[int, int] = field(default_factory=dict)
    files: list[StagedFile] = field(default_factory=list)
    instruments: int = 0
    first: date | None = None
    last: date | None = None

    def as_dict(self) -> dict[str, Any]:
        """Write it as JSON values.

        Returns
        -------
        dict
        """
        years = {str(y): [self.rows.get(y, 0), self.changed.get(y, 0), self.deleted.get(y, 0)] for y in self.years}
        return {
            "years": years, "files": [vars(file) | {"partition": dict(file.partition)} for file in self.files],
            "instruments": self.instruments, "first": self.first and self.first.isoformat(),
            "last": self.last and self.last.isoformat(),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> "Made":
        """Read it from JSON values.

        Parameters
        ----------
        found : mapping

        Returns
        -------
        Made
        """
        rows, changed, deleted = ({int(y): counts[i] for y, counts in found["years"].items()} for i in range(3))
        first, last = (date.fromisoformat(day) if day else None for day in (found["first"], found["last"]))
        files = [StagedFile(**file) for file in found["files"]]
        return cls(rows, changed, deleted, files, int(found["instruments"]), first, last)

    @property
    def years(self) -> set[int]:
        """Years with rows, or with rows that go."""
        return set(self.rows) | set(self.deleted)

    def staged(self, market: str, version: int) -> Staged:
        """Tell what the lake is to take in: the years in which anything differs.

        Parameters
        ----------
        market : str
        version : int
            Of the table that the blocks were compared with.

        Returns
        -------
        Staged
        """
        differing = {year for year in self.years if self.changed.get(year) or self.deleted.get(year)}
        wanted = [file for file in self.files if int(file.partition["year"]) in differing]
        return Staged(
            tuple(wanted), tuple({"market": market, "year": year} for year in sorted(differing)), version,
            sum(self.changed.values()), sum(self.deleted.values()),
        )  # fmt: skip


def merge(parts: list[Made], *, by_instrument: bool) -> Made:
    """Put blocks together.

    Parameters
    ----------
    parts : list of Made
    by_instrument : bool
        Whether they are blocks of instruments.

    Returns
    -------
    Made
    """
    whole = Made()
    for part in parts:
        for mine, theirs in ((whole.rows, part.rows), (whole.changed, part.changed), (whole.deleted, part.deleted)):
            for year, count in theirs.items():
                mine[year] = mine.get(year, 0) + count
        whole.files += part.files
        days = [day for day in (whole.first, part.first) if day], [day for day in (whole.last, part.last) if day]
        whole.first, whole.last = min(days[0], default=None), max(days[1], default=None)
        whole.instruments = (
            whole.instruments + part.instruments if by_instrument else max(whole.instruments, part.instruments)
        )
    return whole
