"""One set of factors: what it is, where it was computed, whether it looks ahead, its versions, and what one can do."""

from html import escape

import streamlit as st

from app.factor_data import computed, reach, table_name
from app.figures import MISSING, count, instant
from app.i18n import mark
from app.markup import Badge, Kpi
from app.page import empty, header, kpis, section
from app.panels.facts import anchor, wide_table
from app.panels.leakage import OUTCOMES, leakage_html, report_of
from app.routes import go, href, link
from app.session import read, settings, t
from lake.records import open_records
from lake.records.factor_sets import archive_set, set_versions, share_set
from lake.tables import FACTOR_PREFIX
from qbrain_core.factors import FactorSet
from qbrain_core.factors.set_text import write_set

__all__ = ["described", "draw_about", "draw_actions", "draw_leakage", "draw_versions"]

VISIBILITIES = {"private": mark("Only me"), "team": mark("My team"), "public": mark("Everybody")}
"""Who may see a set."""

_SHOWN = 4  # fields named before an ellipsis


def described(factors: FactorSet) -> str:
    """Say what a set is about; what ships is said in the reader's language.

    Parameters
    ----------
    factors : FactorSet

    Returns
    -------
    str
    """
    return t(factors.description) if factors.owner == "qbrain" else factors.description


def draw_about(factors: FactorSet) -> None:
    """Draw title and key figures.

    Parameters
    ----------
    factors : FactorSet
    """
    ships = factors.owner == "qbrain"
    badges = [Badge(t("ships with Q-Brain"), "blue") if ships else Badge(t("version {n}", n=factors.version), "violet")]
    if factors.archived:
        badges.append(Badge(t("put away"), "amber"))
    badges.append(Badge(factors.digest[:8], "gray", t("Digest of names and expressions; tables carry it")))
    header(factors.name, caption=described(factors), badges=badges)
    known = [reach(text) for text in factors.expressions.values()]
    names = [f"${name}" for name in sorted({name for r in known for name in r.fields})]
    back = max((r.sessions for r in known), default=0.0)
    spans = read(computed, FACTOR_PREFIX, table=table_name(factors))
    held = [f"{first} → {last}" for first, last in spans.values()]
    report = report_of(factors)
    words, tone = OUTCOMES[report.outcome.value] if report else (mark("not probed yet"), "")
    kpis(
        [
            Kpi(t("Factors"), count(len(factors.expressions))),
            Kpi(t("Fields"), count(len(names)), ", ".join(names[:_SHOWN]) + (" …" if names[_SHOWN:] else "")),
            Kpi(t("Sessions back"), t("all") if back == float("inf") else f"{back:g}", t("at most")),
            Kpi(t("Author"), factors.author or factors.owner, t(VISIBILITIES[factors.visibility])),
            Kpi(t("Computed on"), ", ".join(spans) or MISSING, held[0] if len(held) == 1 else ""),
            Kpi(t("Look-ahead"), t(words), report.market if report else "", tone="" if tone == "green" else tone),
        ]
    )  # fmt: skip


def draw_actions(factors: FactorSet) -> None:
    """Draw what can be done with a set besides computing and judging it.

    Parameters
    ----------
    factors : FactorSet
    """
    own = factors.owner == settings().owner
    link("factors", t("All factors"), icon=":material/arrow_back:")
    st.download_button(
        t("Export"), lambda: write_set(factors), f"{factors.name}.yaml", "application/yaml", key="factor-set-export",
        icon=":material/download:", on_click="ignore", help=t("As YAML, to be read elsewhere"),
    )  # fmt: skip
    if not own:
        return
    if st.button(t("Add a factor"), icon=":material/add:"):
        go("factor", set=factors.name)
    label = t("Bring back") if factors.archived else t("Put away")
    if st.button(label, icon=":material/archive:", help=t("A set that is put away is no longer offered.")):
        archive_set(open_records(settings()), factors.name, owner=factors.owner, archived=not factors.archived)
        st.rerun()
    codes = list(VISIBILITIES)
    wanted = st.selectbox(
        t("Who may see it"), codes, codes.index(factors.visibility), label_visibility="collapsed", width=150,
        format_func=lambda code: t(VISIBILITIES[code]), key=f"factor-set-visibility-{factors.name}",
    )  # fmt: skip
    if wanted != factors.visibility:
        share_set(open_records(settings()), factors.name, wanted, owner=factors.owner)
        st.rerun()


def draw_leakage(factors: FactorSet, market: str | None = None) -> None:
    """Draw what was found out about the set's knowledge of the future.

    Parameters
    ----------
    factors : FactorSet
    market : str, optional
    """
    report = report_of(factors, market)
    if report is None:
        empty(
            t("Nobody has looked for look-ahead in this set yet."),
            t("Computing it does; so does the editor, for one factor."),
        )
    else:
        st.html(leakage_html(report))


def draw_versions(factors: FactorSet) -> None:
    """Draw the versions of a set.

    Parameters
    ----------
    factors : FactorSet
    """
    versions = set_versions(open_records(settings()), factors.name, user=settings().owner)
    if len(versions) < 2 and factors.owner == "qbrain":
        empty(t("This set ships with Q-Brain and has one version."))
        return
    section(t("Versions"), t("What a version computes never changes."))
    rows = []
    for version, older in zip(versions, [*versions[1:], None], strict=True):
        name = anchor(href("factors", set=version.reference), f"v{version.version}")
        here = f"<b>{name}</b>" if version.version == factors.version else name
        rows.append(
            [
                here, instant(version.saved_at), count(len(version.expressions)), escape(_change(version, older)),
                escape(version.description), f"<code>{version.digest[:8]}</code>",
            ]
        )  # fmt: skip
    names = [t("Version"), t("Saved"), t("Factors"), t("Changed"), t("Description"), t("Digest")]
    st.html(wide_table(names, rows, right=(2,)))


def _change(new: FactorSet, old: FactorSet | None) -> str:
    if old is None:
        return t("first version")
    added = [name for name in new.expressions if name not in old.expressions]
    gone = [name for name in old.expressions if name not in new.expressions]
    other = [n for n, text in new.expressions.items() if n in old.expressions and old.expressions[n] != text]
    parts = [f"{sign}{name}" for sign, names in (("+", added), ("−", gone), ("~", other)) for name in names]
    shown = ", ".join(parts[:6]) + (" …" if parts[6:] else "")
    return shown or t("description only")
