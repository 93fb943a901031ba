"""Leakage reports, kept beside the factor sets they are about: one per set of expressions and market, the newest."""

from sqlalchemy import select

from lake.records.database import Records
from lake.records.factor_reports import keep_report
from lake.records.models import FactorSetReportRow
from qbrain_core.factors.leakage import Check, LeakageReport

__all__ = ["find_leakage", "keep_check", "keep_leakage"]

_KIND = "leakage:"


def keep_leakage(records: Records, report: LeakageReport) -> None:
    """Keep a report; an older one of the same expressions and market is replaced.

    Parameters
    ----------
    records : Records
    report : LeakageReport
        With `digest` and `market`.
    """
    keep_report(records, report.digest, _KIND + report.market, report.model_dump(mode="json"))


def keep_check(records: Records, digest: str, market: str, check: Check) -> None:
    """Put a check into the report on a set and a market, in place of an older one of its name.

    Parameters
    ----------
    records : Records
    digest : str
        `FactorSet.digest`.
    market : str
    check : Check
    """
    report = find_leakage(records, digest, market) or LeakageReport(digest=digest, market=market)
    others = tuple(c for c in report.checks if c.name != check.name)
    keep_leakage(records, report.model_copy(update={"checks": (*others, check)}))


def find_leakage(records: Records, digest: str, market: str | None = None) -> LeakageReport | None:
    """Look a report up.

    Parameters
    ----------
    records : Records
    digest : str
        `FactorSet.digest`.
    market : str, optional
        Left out: the newest of any market.

    Returns
    -------
    LeakageReport or None
        None where nobody has looked yet.
    """
    kind = FactorSetReportRow.kind
    wanted = kind.startswith(_KIND, autoescape=True) if market is None else kind == _KIND + market
    query = select(FactorSetReportRow).where(FactorSetReportRow.digest == digest, wanted)
    with records.read() as session:
        row = session.scalars(query.order_by(FactorSetReportRow.made_at.desc()).limit(1)).first()
        return LeakageReport.model_validate(row.result) if row is not None else None
