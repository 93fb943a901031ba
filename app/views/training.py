"""Training: what was trained, a form for the next one, and the monitor of one that runs."""

from html import escape

import streamlit as st

from app import markup
from app.market_data import is_synthetic
from app.markup import Badge
from app.page import empty, header, live, section
from app.panels.chain import draw_chain
from app.panels.facts import facts
from app.panels.manifest import manifest
from app.panels.monitor import monitor
from app.panels.train_form import draw_form
from app.panels.training_table import draw_trainings
from app.panels.wording import SEGMENTS, STATUS_TONES, STATUSES
from app.routes import go, link
from app.session import settings, t
from jobs import Job, cancel, job, jobs
from qbrain_core.errors import UnknownNameError

_LIMIT = 200


def render() -> None:
    query = st.query_params
    if "job" in query:
        _monitor(query["job"])
    elif {"new", "clone", "model"} & set(query):
        _new(query.get("clone"), query.get("model"), query.get("version"))
    else:
        header(t("Training"), caption=t("Trainings, newest first. Click a row to watch it."))
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(t("New training"), type="primary", icon=":material/add:"):
                go("training", new="1")
            link("model", t("All models"), icon=":material/deployed_code:")
        _list()


@live(2.0)
def _list() -> None:
    batch = jobs(kind="train", limit=_LIMIT, settings=settings())
    if batch:
        draw_trainings(batch)
    else:
        empty(t("No model has been trained yet."), t("The form needs no more than a press of its button."))


def _new(clone: str | None, model: str | None, version: str | None) -> None:
    header(t("New training"), caption=t("Every field has a default that works; a tear sheet comes out at the end."))
    link("training", t("All trainings"), icon=":material/arrow_back:")
    origin, parent = None, None
    if clone:
        found = _training(clone)
        if found is None:
            empty(t("There is no training {id} to clone.", id=clone), t("The form starts from its defaults."))
        else:
            origin, parent = found.spec, found.id
    elif model:
        known = manifest(model, int(version)) if version and version.isdigit() else {}
        if not known:
            cause = t("There is no model {name} version {n}.", name=model, n=version or "–")
            empty(cause, t("The form starts from its defaults."))
        origin = known and {
            "register_as": model, "dataset": known.get("dataset", {}), "seed": known.get("seed", 7),
            "model": {"family": known.get("family", "lightgbm"), "params": known.get("params", {})},
        }  # fmt: skip
    draw_form(origin, parent=parent)


def _training(job_id: str) -> Job | None:
    try:
        found = job(job_id, settings=settings())
    except UnknownNameError:
        return None
    return found if found.kind == "train" else None


def _monitor(job_id: str) -> None:
    found = _training(job_id)
    if found is None:
        header(t("Training"))
        empty(t("There is no training {id}.", id=job_id), t("Choose one from the list."))
        link("training", t("All trainings"), icon=":material/model_training:")
        return
    status = str(found.status)
    dataset = found.spec.get("dataset", {})
    badges = [Badge(t(STATUSES[status]), STATUS_TONES[status])]
    if is_synthetic(dataset.get("market", "")):
        badges.append(Badge(t("Synthetic data"), "violet"))
    header(found.spec.get("register_as") or found.name, caption=found.name, badges=badges)
    _actions(found)
    if found.error:
        title = t("Cancelled") if status == "cancelled" else t("This training failed")
        st.html(markup.notice(title, found.error, found.hint or "", tone="amber" if status == "cancelled" else "red"))
    draw_chain(found)
    monitor(found)
    section(t("Asked for"))
    st.html(facts(_asked(found)))


def _actions(found: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        link("training", t("All trainings"), icon=":material/arrow_back:")
        link("job", t("Job"), icon=":material/task:", id=found.id)
        result = found.result or {}
        if result.get("version"):
            name, version = result["model"], result["version"]
            label = t("Model {name} version {n}", name=name, n=version)
            link("model", label, icon=":material/deployed_code:", name=name, version=version)
        if not found.is_final and st.button(
            t("Cancel"), icon=":material/cancel:", disabled=found.cancel_requested,
            help=t("Jobs that wait for it are cancelled too."),
        ):  # fmt: skip
            cancel(found.id, settings=settings())
            st.rerun()
        if st.button(t("Clone"), icon=":material/content_copy:"):
            go("training", clone=found.id)


def _asked(found: Job) -> list[tuple[str, str]]:
    dataset, model = found.spec.get("dataset", {}), found.spec.get("model", {})
    segments = dataset.get("segments", {})
    spans = [f"{t(SEGMENTS[name])} {span['start']} → {span['end']}" for name, span in segments.items()]
    changed = ", ".join(f"{k}={v}" for k, v in model.get("params", {}).items())
    return [
        (t("Market"), escape(dataset.get("market", ""))),
        (t("Factor set"), escape(dataset.get("factor_set", ""))),
        (t("Universe"), escape(dataset.get("universe") or t("all stocks"))),
        (t("Label"), f"<code>{escape(dataset.get('label', ''))}</code>"),
        (t("Segments"), "<br>".join(escape(span) for span in spans)),
        (t("Model"), escape(model.get("family", ""))),
        (t("Changed parameters"), escape(changed or t("none"))),
        (t("Seed"), str(found.spec.get("seed", ""))),
    ]
