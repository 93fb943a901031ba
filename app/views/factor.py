"""One factor: its expression in an editor that checks as one types, what it is made of, a preview, and its report."""

from dataclasses import dataclass

import streamlit as st

from app.grid import grid
from app.markup import Badge
from app.page import empty, header, live, section
from app.panels.evaluation_data import EVALUATIONS, evaluation, evaluations_of, factor_figures
from app.panels.expression_text import expression_html
from app.panels.factor_about import draw_figures
from app.panels.factor_check import Check, check, draw_check, draw_sentence
from app.panels.factor_editor import draw_editor, open_text, typed
from app.panels.factor_evaluate import draw_evaluate
from app.panels.factor_jobs import draw_running
from app.panels.factor_preview import choose_market, draw_preview
from app.panels.factor_probe import draw_probe
from app.panels.factor_report import choose_run, draw_report
from app.panels.factor_report_files import draw_export
from app.panels.factor_save import draw_save
from app.panels.factor_tree import tree_html
from app.panels.factor_words import EXAMPLES, words_frame
from app.routes import link
from app.session import preferences, read, settings, t
from jobs import Job
from lake.records import open_records
from lake.records.factor_sets import find_set
from qbrain_core.errors import InvalidInputError, UnknownNameError

_TEXT, _SEEN = "q", "factor-seen"
_LONGEST = 6_000  # characters of a URL that every browser and proxy lets pass


@dataclass(frozen=True)
class _Subject:
    name: str
    text: str
    reference: str  # of its set; "" where an evaluation alone knows it


def render() -> None:
    query = st.query_params
    if _TEXT in query or "name" not in query:
        _edit()
        return
    subject = _subject(query.get("set", ""), query["name"], query.get("run", ""))
    if subject is None:
        header(t("Factor"))
        empty(
            t("There is no factor {name} here for you.", name=query["name"]),
            t("It was renamed, or its set is somebody else's."),
        )
        link("factors", t("All factors"), icon=":material/arrow_back:")
    else:
        _show(subject)


def _subject(reference: str, name: str, run_id: str) -> _Subject | None:
    if reference:
        try:
            factors = find_set(open_records(settings()), reference, user=settings().owner)
        except (UnknownNameError, InvalidInputError):
            return None
        text = factors.expressions.get(name)
        return _Subject(name, text, factors.reference) if text else None
    if not run_id or read(evaluation, *EVALUATIONS, run_id=run_id) is None:
        return None
    row = read(factor_figures, *EVALUATIONS, run_id=run_id).filter(factor=name)
    return _Subject(name, row["expression"][0], "") if row.height else None


def _show(subject: _Subject) -> None:
    badges = [Badge(subject.reference, "blue")] if subject.reference else [Badge(t("not saved"), "amber")]
    header(subject.name, badges=badges)
    st.html(expression_html(subject.text))
    found = check(subject.text)
    draw_sentence(found)
    if found.node is None:
        return
    known = {"factor_set": subject.reference, "factor": subject.name, "expression": subject.text}
    runs = read(evaluations_of, *EVALUATIONS, **known) if subject.reference else None
    with st.container(horizontal=True, vertical_alignment="center", key="factor-shelf"):
        link("factors", t("All factors"), icon=":material/arrow_back:")
        if subject.reference:
            link("factors", t("Set {name}", name=subject.reference), icon=":material/stacks:", set=subject.reference)
        link("factor", t("Edit"), icon=":material/edit:", q=subject.text, set=subject.reference, named=subject.name)
        draw_evaluate({"expressions": {subject.name: subject.text}}, key="factor-evaluate")
        run_id = st.query_params.get("run", "") if runs is None else choose_run(runs) if runs.height else ""
        if run_id:
            draw_export(run_id, subject.name)
    _follow(draw_running(), run_id)
    if run_id:
        draw_report(subject.name, run_id)
    else:
        empty(
            t("{name} has not been judged yet.", name=subject.name),
            t("Evaluate it here, or with its whole set on the set's page."),
        )
    _made_of(found)


def _follow(ended: Job | None, shown: str = "") -> None:
    # from the job that was started here to what came of it
    result = (ended.result or {}) if ended is not None else {}
    name = (result.get("best") or {}).get("factor")
    if name and result["run_id"] != shown:
        label = t("{name} has been judged", name=name) + " · " + t("Open the report")
        link("factor", label, icon=":material/analytics:", run=result["run_id"], name=name)


@live()
def _made_of(found: Check) -> None:
    section(t("What it is made of"))
    _draw_parts(found)


def _draw_parts(found: Check) -> None:
    assert found.node is not None
    assert found.about is not None
    market = choose_market()
    draw_figures(found.about, market)
    with st.container(key="stack-factor"):
        left, right = st.columns([2.6, 1], gap="medium")
    with left:
        section(t("Preview"), t("computed now, on a few names"))
        if found.usable and market:
            codes = draw_preview(found.node, market)
            if codes:
                draw_probe(found.node, market, codes)
    with right:
        section(t("Tree"))
        st.html(tree_html(found.about.tree))


def _edit() -> None:
    title = st.query_params.get("named", "") or t("New factor")
    header(title, caption=t("An expression in Qlib's language, checked and previewed as you type."))
    _follow(draw_running())
    wanted = st.query_params.get(_TEXT, "")
    if st.session_state.get(_SEEN) != wanted:
        open_text(wanted)
        st.session_state[_SEEN] = wanted
    _editor()


@live()
def _editor() -> None:
    text = typed()
    found = check(text)
    draw_editor(found.marks)
    _write(text)
    with st.container(horizontal=True, vertical_alignment="center", key="factor-shelf"):
        link("factors", t("All factors"), icon=":material/arrow_back:")
        example = st.menu_button(t("Examples"), EXAMPLES, icon=":material/lightbulb:", key="factor-example")
        if example:
            open_text(example)
            st.rerun(scope="fragment")
        draw_save(
            text, usable=found.usable, reference=st.query_params.get("set", ""), name=st.query_params.get("named", "")
        )
        if found.usable:
            draw_evaluate({"expressions": {_name(): text}}, key="factor-evaluate")
        draw_check(found)
    draw_sentence(found)
    if found.node is not None:
        _draw_parts(found)
    else:
        section(t("Words of the language"), t("the table has a search at its upper right"))
        language = "zh" if preferences().language == "zh" else "en"
        grid(
            words_frame(language),
            labels={"shape": t("Word"), "sentence": t("Meaning")},
            max_height=480,
            key="factor-words",
        )


def _name() -> str:
    return st.query_params.get("named", "") or "factor"


def _write(text: str) -> None:
    value = text if len(text) <= _LONGEST else ""
    if st.query_params.get(_TEXT, "") != value:
        if value:
            st.query_params[_TEXT] = value
        else:
            st.query_params.pop(_TEXT, None)
    st.session_state[_SEEN] = value
