"""Where the palette's entries come from: the lake, the menu, the job records and the model registry."""

import json
from collections.abc import Iterator
from functools import cache
from threading import Thread
from typing import Any

from app.command_palette.entries import Entry
from app.figures import decimal, instant
from app.i18n import mark, translate
from app.market_data import name_of
from app.panels.wording import KINDS, STATUSES
from app.routes import ROUTES, href
from app.session import preferences, read, registered, settings, t
from lake import Lake
from qbrain_core.names import pinyin_initials

__all__ = ["instruments", "models", "places"]

_FOUND, _RUNS, _JOBS = 7, 200, 60
_PATIENCE_S = 0.02
_INSTRUMENTS = {
    "stock": (mark("Stock"), "show_chart"),
    "etf": (mark("ETF"), "stacked_line_chart"),
    "index": (mark("Index"), "analytics"),
}


def instruments(text: str) -> list[Entry]:
    """Find instruments by code, name or pinyin initials.

    Parameters
    ----------
    text : str
        An empty one finds none.

    Returns
    -------
    list of Entry
        The likeliest first.
    """
    if not text.strip():
        return []
    language = preferences().language
    return [_instrument(row, language) for row in read(_found, "instruments", text=text)]


def places() -> list[Entry]:
    """List the pages, the finished backtests and the latest jobs.

    Returns
    -------
    list of Entry
        Pages in the order of the menu; runs and jobs newest first.
    """
    return [*_pages(), *(_run(row) for row in read(_runs, "backtest_runs")), *_jobs()]


def models() -> list[Entry] | None:
    """List the registered models.

    Returns
    -------
    list of Entry or None
        Newest first; None while the registry is still being imported.
    """
    home = settings()
    if not home.mlflow_url and not (home.home / "mlflow.db").exists():
        return []
    importing = _import_registry()
    importing.join(_PATIENCE_S)
    if importing.is_alive():
        return None
    return [
        Entry(
            "model", href("model", name=m.name, version=m.version), "deployed_code", m.name,
            " · ".join([f"v{m.version}", *m.aliases]),
            f"{t('Rank IC')} {decimal(m.metrics.get('test', {}).get('rank_ic'), 4)}",
        )
        for m in registered()
    ]  # fmt: skip


@cache
def _import_registry() -> Thread:
    # MLflow takes seconds, in which people would rather type
    def load() -> None:
        from lake.registry import Registry

        Registry(home).models()

    home = settings()
    thread = Thread(target=load, name="registry", daemon=True)
    thread.start()
    return thread


def _found(lake: Lake, as_of: dict[str, int], *, text: str) -> list[dict[str, Any]]:
    return lake.search(text, limit=_FOUND, as_of=as_of).to_dicts()


def _instrument(row: dict[str, Any], language: str) -> Entry:
    code, ticker = str(row["instrument"]), str(row["ticker"])
    kind, icon = _INSTRUMENTS.get(row["kind"], (row["kind"], "show_chart"))
    note = [t(kind) if kind else "", row.get("sector") or "", t("delisted") if row.get("delisted") else ""]
    names = tuple(str(row[n]) for n in ("name_zh", "name_en", "pinyin") if row.get(n))
    return Entry(
        "instrument", href("instrument", id=code), icon, code, name_of(row, language),
        " · ".join(filter(None, note)), (ticker, code.rpartition(".")[2] + ticker, *names),
    )  # fmt: skip


def _pages() -> Iterator[Entry]:
    places = [(r.view, r.title, r.icon, {}) for r in ROUTES.values() if not r.hidden]
    places.append(("training", mark("New training"), ":material/add_circle:", {"new": "1"}))
    places.append(("model", mark("Models"), ROUTES["model"].icon, {}))
    for view, title, icon, query in places:
        name = icon.removeprefix(":material/").removesuffix(":")
        chinese = translate(title, "zh")
        yield Entry("page", href(view, **query), name, t(title), words=(title, chinese, pinyin_initials(chinese)))


def _runs(lake: Lake, as_of: dict[str, int]) -> list[dict[str, Any]]:
    return lake.runs(limit=_RUNS, as_of=as_of).to_dicts()


def _run(row: dict[str, Any]) -> Entry:
    return Entry(
        "run", href("backtest", run=row["run_id"]), "monitoring", row["name"] or row["run_id"][:10],
        f"{row['model']} v{row['version']} · {row['start']} – {row['end']}",
        f"{t('Sharpe')} {decimal(json.loads(row['metrics']).get('sharpe'))}", (row["run_id"],),
    )  # fmt: skip


def _jobs() -> Iterator[Entry]:
    from jobs import jobs

    for job in jobs(limit=_JOBS, settings=settings()):
        # a finished backtest is found as a run
        if job.kind != "backtest" or job.status != "succeeded":
            kind = t(KINDS.get(job.kind, job.kind))
            yield Entry(
                "job", href("job", id=job.id), "task", job.name or kind, f"{kind} · {instant(job.created_at)}",
                t(STATUSES[str(job.status)]), (job.id, job.kind),
            )  # fmt: skip
