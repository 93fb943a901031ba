"""What the checks found, as values that go into a record and come back, and the sentences for them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["CHECKS", "FINDINGS", "Check", "Finding", "LeakageReport", "Outcome", "worst"]


class Outcome(StrEnum):
    """How something came out; the worst one counts."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"


CHECKS: dict[str, str] = {
    "static": "No part of an expression refers to a later session.",
    "knowledge": "What companies reported is dated by the day it became public.",
    "probe": "On data cut off at a day, or changed after it, every value up to that day is the same to the bit.",
    "lake": "On a lake that ends on a day, the whole path gives every value up to that day the same to the bit.",
    "startup": "A value does not depend on where history begins, once its windows are full.",
    "foresight": "No factor foretells the next sessions' returns as only the future itself could.",
    "selection": "Which rows a model learns from does not depend on the values of its labels.",
}
"""What each check shows where it passes, in English."""

FINDINGS: dict[str, str] = {
    "later_session": "It refers to a later session ({sessions} ahead).",
    "future_value": "Its value of {instrument} on {session} is {known}, and {hindsight} once later data are there; "
    "{rows} of {compared} values up to {cut} change.",
    "future_rounding": "{rows} of {compared} values up to {cut} change in their last digits once later data are there.",
    "shocked_value": "Its value of {instrument} on {session} is {hindsight}, and {known} where only later data differ; "
    "{rows} of {compared} values up to {cut} change.",
    "rows_vanish": "{rows} rows up to {cut}, such as {instrument} on {session}, are dropped once later data are there.",
    "rows_appear": "{rows} rows up to {cut}, such as {instrument} on {session}, are only there once later data are.",
    "columns_change": "Its columns depend on later data: {columns}.",
    "fails_when_cut": "It cannot be computed from what was known on {cut}: {error}",
    "not_repeatable": "Two runs over the same data differ, so nothing can be shown.",
    "nothing_compared": "No value was there to compare.",
    "start_matters": "{sessions} sessions after history begins it still depends on where that was, "
    "although its windows reach back {lookback}.",
    "start_near_ties": "{rows} of {compared} values depend on where history begins, as ranks of what nearly ties do.",
    "start_settles": "It settles {sessions} sessions after history begins.",
    "start_lasts": "It depends on where history begins, for as long as was looked: {sessions} sessions.",
    "foretells": "Its rank correlation with the returns {horizon} is {correlation}, which no honest factor reaches.",
    "known_at_period_end": "{rows} of {compared} reports are dated by the end of their period or before, "
    "when nobody knew them yet.",
    "known_at_missing": "{rows} of {compared} reports do not say when they became public.",
    "label_decides": "{rows} rows of {segment} are kept or dropped by the value of their label, "
    "such as {instrument} on {session}.",
    "label_in_features": "{rows} rows of {segment} have features that change with the labels, "
    "such as {instrument} on {session}.",
    "missing_label_decides": "{rows} rows of {segment} to be predicted are dropped because they have no label.",
}
"""What each code of a finding means, in English, with its params by name."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(_Value):
    """One thing that a check found.

    Attributes
    ----------
    code : str
        Key of `FINDINGS`.
    severity : Outcome
        `PASS` for a note.
    factor : str
        Factor it is about; "" for all.
    params : dict
        JSON values that the sentence names.
    """

    code: str
    severity: Outcome
    factor: str = ""
    params: dict[str, Any] = Field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The finding in English."""
        return FINDINGS[self.code].format(**self.params)


class Check(_Value):
    """One check and everything it found.

    Attributes
    ----------
    name : str
        Key of `CHECKS`.
    findings : tuple of Finding
        Empty where all is well.
    seconds : float
        How long it took.
    """

    name: str
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0

    @property
    def outcome(self) -> Outcome:
        """The worst of its findings."""
        return worst(f.severity for f in self.findings)


class LeakageReport(_Value):
    """What all checks of a factor set found; `model_dump_json` writes it, `model_validate_json` reads it back.

    Attributes
    ----------
    subject : str
        Name of the set; "" for expressions without one.
    digest : str
        Hash of its expressions.
    market : str
        Market whose data were used.
    checks : tuple of Check
    factors : int
        How many factors there are.
    instruments, rows : int
        Size of the data that were used.
    cuts : tuple of date
        Days at which they were cut off.
    made_at : datetime
    code_hash : str
        Code that made the values.
    """

    subject: str = ""
    digest: str = ""
    market: str = ""
    checks: tuple[Check, ...] = ()
    factors: int = 0
    instruments: int = 0
    rows: int = 0
    cuts: tuple[date, ...] = ()
    made_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    code_hash: str = ""

    @property
    def outcome(self) -> Outcome:
        """The worst of its checks."""
        return worst(c.outcome for c in self.checks)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, of all checks, the gravest first."""
        every = [f for c in self.checks for f in c.findings]
        return tuple(sorted(every, key=lambda f: _ORDER[f.severity], reverse=True))

    @property
    def failed(self) -> tuple[str, ...]:
        """Factors that a check failed on, each once; "" stands for all."""
        return tuple(dict.fromkeys(f.factor for f in self.findings if f.severity is Outcome.FAIL))


_ORDER = {Outcome.PASS: 0, Outcome.WARN: 1, Outcome.FAIL: 2}


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Take the worst outcome.

    Parameters
    ----------
    outcomes : iterable of Outcome

    Returns
    -------
    Outcome
        `PASS` where there is none.
    """
    return max(outcomes, key=_ORDER.__getitem__, default=Outcome.PASS)
