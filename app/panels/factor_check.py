"""Whether an expression can be read, and what is wrong with it, as it is typed."""

from dataclasses import dataclass

import streamlit as st

from app import markup
from app.markup import Badge
from app.session import preferences, t
from lake.reads.factor_inputs import INPUT_FIELDS
from qbrain_core.errors import InvalidInputError
from qbrain_core.factors.explain import Explanation, explain
from qbrain_core.factors.expression import FactorSyntaxError, Node, parse

__all__ = ["Check", "check", "draw_check", "draw_sentence"]


@dataclass(frozen=True)
class Check:
    """What was found out about a text.

    Attributes
    ----------
    text : str
    node : Node or None
        Its tree; None where it cannot be read or is empty.
    about : Explanation or None
        Beside a tree.
    rule : str
        Why it cannot be read; "" where it can.
    place : int
        Character the trouble is at, from 0.
    """

    text: str
    node: Node | None = None
    about: Explanation | None = None
    rule: str = ""
    place: int = 0

    @property
    def usable(self) -> bool:
        """Whether a factor can be made of it."""
        return self.about is not None and self.about.is_causal

    @property
    def marks(self) -> list[tuple[int, int, str]]:
        """Places to mark in the text: first character, the one behind the last, tone."""
        if self.rule:
            return [(self.place, self.place + _word_length(self.text, self.place), "red")]
        remarks = self.about.remarks if self.about else ()
        return [(r.at, r.at + _word_length(self.text, r.at), "amber") for r in remarks]


def check(text: str) -> Check:
    """Read an expression.

    Parameters
    ----------
    text : str

    Returns
    -------
    Check
        In the reader's language, as far as it is known to be one of them.
    """
    if not text.strip():
        return Check(text)
    language = "zh" if preferences().language == "zh" else "en"
    try:
        return Check(text, parse(text), explain(text, language=language, known=INPUT_FIELDS))
    except FactorSyntaxError as error:
        return Check(text, rule=error.rule, place=error.position)
    except InvalidInputError as error:
        return Check(text, rule=str(error))


def _word_length(text: str, place: int) -> int:
    rest = text[place:]
    length = next((i for i, c in enumerate(rest) if not (c.isalnum() or c in "_$")), len(rest))
    return max(length, 1)


def draw_check(found: Check) -> None:
    """Draw badges that say how it stands: read or not, past or future, units.

    Parameters
    ----------
    found : Check
    """
    badges = []
    if found.rule:
        badges.append(Badge(t("cannot be read yet"), "red"))
    if found.about is not None:
        badges.append(
            Badge(t("reads only the past"), "green") if found.about.is_causal
            else Badge(t("looks {n} sessions ahead", n=found.about.lookahead), "red")
        )  # fmt: skip
        badges.append(
            Badge(t("units do not match"), "amber") if found.about.remarks
            else Badge(t("units match"), "green", found.about.unit)
        )  # fmt: skip
    st.html("".join(f"{markup.badge(b)} " for b in badges))


def draw_sentence(found: Check) -> None:
    """Draw what it computes in words, or what is wrong with it and where.

    Parameters
    ----------
    found : Check
    """
    if found.rule:
        st.html(markup.notice(t("This cannot be read yet"), found.rule, tone="red"))
        return
    if found.about is None:
        return
    if not found.about.is_causal:
        cause = t("A negative Ref or Delta reads what nobody knew yet. A label may do so, a factor may not.")
        st.html(markup.notice(t("It looks ahead"), cause, tone="red"))
    for remark in found.about.remarks:
        where = t("At character {n}", n=remark.at + 1)
        st.html(markup.notice(where, remark.text, t("It is computed all the same."), tone="amber"))
    st.html(f'<p class="qb-dim">{markup.text(found.about.sentence)}</p>')
