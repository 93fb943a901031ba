"""What was found out about a factor set, kept beside it: by the digest of its expressions, whoever's set it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lake.records.database import Records
from lake.records.models import FactorSetReportRow

__all__ = ["FactorReport", "find_report", "keep_report"]


@dataclass(frozen=True)
class FactorReport:
    """A finding about the expressions of a factor set.

    Attributes
    ----------
    kind : str
        What was looked into, such as `leakage`.
    result : mapping
        JSON values, as whoever looked wrote them.
    made_at : datetime
    """

    kind: str
    result: Mapping[str, Any]
    made_at: datetime


def keep_report(records: Records, digest: str, kind: str, result: Mapping[str, Any]) -> None:
    """Keep a finding; an older one of the same kind is replaced.

    Parameters
    ----------
    records : Records
    digest : str
        `FactorSet.digest`.
    kind : str
    result : mapping
        JSON values.
    """
    with records.write() as session:
        row = FactorSetReportRow(digest=digest, kind=kind, result=dict(result), made_at=datetime.now(UTC))
        session.merge(row)


def find_report(records: Records, digest: str, kind: str) -> FactorReport | None:
    """Look a finding up.

    Parameters
    ----------
    records : Records
    digest : str
        `FactorSet.digest`.
    kind : str

    Returns
    -------
    FactorReport or None
        None where nobody has looked yet.
    """
    with records.read() as session:
        row = session.get(FactorSetReportRow, (digest, kind))
        return FactorReport(row.kind, row.result, row.made_at) if row is not None else None
