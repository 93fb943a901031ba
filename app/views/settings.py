"""The reader's preferences, and the state of the installation."""

import json
import os
import platform
from importlib.metadata import version

import streamlit as st

from app import markup
from app.figures import MISSING, count, instant, percent
from app.grid import grid
from app.health import redis_trouble
from app.i18n import LANGUAGES, mark
from app.lake_facts import table_facts
from app.markup import notice, text
from app.page import Badge, Kpi, header, kpis, live, section
from app.panels.wording import WORKER_STATES
from app.routes import ROUTES, href
from app.session import COOKIE, lake, preferences, remember, settings, t
from qbrain_core.settings import QUEUES

_STATUS_S = 5.0
_COOKIE_S = 400 * 24 * 3600  # the longest that browsers keep one
_THEMES = {"system": mark("As the system"), "light": mark("Light"), "dark": mark("Dark")}
_LIBRARIES = ("streamlit", "duckdb", "polars", "deltalake", "rq")
_LEVELS = {"memory": mark("This process"), "redis": mark("Redis"), "disk": mark("Dense panels on disk")}
_UP = {"red": mark("Red rises (A-share habit)"), "green": mark("Green rises")}


def render() -> None:
    header(t("Settings"), caption=t("Preferences of this browser, and how this installation is doing"))
    _preferences()
    _status()
    _lake()
    _caches()
    _environment()


def _preferences() -> None:
    chosen = preferences()
    section(t("Preferences"), t("kept in this browser"))
    one, two, three = st.columns(3)
    with one:
        language = st.radio(
            t("Language"), list(LANGUAGES), format_func=LANGUAGES.__getitem__, key="pref-language", horizontal=True,
            index=list(LANGUAGES).index(chosen.language),
        )  # fmt: skip
    with two:
        theme = st.radio(
            t("Theme"), list(_THEMES), format_func=lambda k: t(_THEMES[k]), key="pref-theme", horizontal=True,
            index=list(_THEMES).index(chosen.theme),
        )  # fmt: skip
    with three:
        up = st.radio(
            t("Colour of a rise"), list(_UP), format_func=lambda k: t(_UP[k]), key="pref-up", horizontal=True,
            index=list(_UP).index(chosen.up),
        )  # fmt: skip
    if (language, theme, up) == (chosen.language, chosen.theme, chosen.up):
        return
    cookie = remember(language=language, theme=theme, up=up)
    # the script keeps the choice in the browser, and loads the page anew, since a theme is only read then
    st.html(_keeper(cookie, theme), unsafe_allow_javascript=True)


def _keeper(cookie: str, theme: str) -> str:
    stored = {"system": None, "light": '"Light"', "dark": '"Dark"'}[theme]
    paths = [href(view) for view in ROUTES]
    return f"""<script>
        document.cookie = {json.dumps(f"{COOKIE}={cookie}; path=/; max-age={_COOKIE_S}; samesite=lax")};
        for (const path of {json.dumps(paths)}) {{
            const key = "stActiveTheme-" + path + "-v2", value = {json.dumps(stored)};
            if (value === null) localStorage.removeItem(key); else localStorage.setItem(key, value);
        }}
        window.location.reload();
    </script>"""


@live(_STATUS_S)
def _status() -> None:
    section(t("Workers"), t("live"))
    from jobs import workers

    trouble = redis_trouble(settings())
    if trouble:
        st.html(notice(t("The job queue cannot be reached"), trouble, t("Start it with `make up`.")))
    known = workers(settings=settings())
    serving = {w.queue for w in known}
    idle = [queue for queue in QUEUES if queue not in serving]
    memory = sum(w.rss_mib or 0.0 for w in known)
    kpis(
        [
            Kpi(t("Workers"), count(len(known)), t("queues: {names}", names=", ".join(sorted(serving)) or MISSING)),
            Kpi(t("Busy"), count(sum(w.job_id is not None for w in known)), t("running a job")),
            Kpi(t("Memory"), f"{memory:,.0f} MiB", t("of all workers")),
            Kpi(
                t("Redis"),
                t("embedded") if settings().embedded_redis else t("server"),
                t("does not answer") if trouble else t("answers"),
                tone="red" if trouble else "",
            ),
            Kpi(t("Records"), settings().database.partition(":")[0].partition("+")[0]),
            Kpi(t("Lake"), "S3" if settings().lake_root.startswith("s3://") else t("folder")),
        ]
    )
    if idle and not trouble:
        cause = t("No worker serves: {names}. Jobs of these queues wait.", names=", ".join(idle))
        st.html(
            notice(t("Workers are missing"), cause, t("Start one: qbrain worker {queue}", queue=idle[0]), tone="amber")
        )
    words = {code: t(word) for code, word in WORKER_STATES.items()}
    rows = [
        (
            text(w.name), text(w.queue),
            markup.badge(Badge(words.get(w.state, w.state), "blue" if w.job_id else "gray")),
            f'<a href="{href("job", id=w.job_id)}" target="_self">{text(w.job_id[:12])}</a>' if w.job_id else MISSING,
            f"{w.rss_mib:,.0f} MiB" if w.rss_mib is not None else MISSING, instant(w.seen_at),
        )
        for w in known
    ]  # fmt: skip
    if rows:
        head = [t("Worker"), t("Queue"), t("State"), t("Job"), t("Memory"), t("Last heard of")]
        st.html(markup.table(head, rows, right=(4, 5)))


def _lake() -> None:
    section(t("Lake"), settings().lake_root)
    labels = {"table": t("Table"), "version": t("Version"), "n_rows": t("Rows"), "last": t("Last session")}
    grid(table_facts(), labels=labels)


@live(_STATUS_S)
def _caches() -> None:
    section(t("Caches"), t("of this server, since it started"))
    head = [t("Cache"), t("Hit rate"), t("Hits"), t("Misses"), t("Values"), t("Size"), t("Bound"), t("Evicted"),
            t("Replaced")]  # fmt: skip
    rows = [
        (
            t(_LEVELS[level.level]), MISSING if level.hit_rate is None else percent(level.hit_rate, 1),
            count(level.hits), count(level.misses),
            t("does not answer") if level.entries is None else count(level.entries), _mib(level.size_bytes),
            _mib(level.bound_bytes), count(level.evicted), count(level.dropped),
        )
        for level in lake().cache.figures()
    ]  # fmt: skip
    st.html(markup.table(head, rows, right=range(1, len(head))))


def _mib(size_bytes: int | None) -> str:
    return MISSING if size_bytes is None else f"{size_bytes / 2**20:,.1f} MiB"


def _environment() -> None:
    section(t("Environment"))
    parts = [Kpi("Q-Brain", version("qbrain")), Kpi("Python", platform.python_version())]
    parts += [Kpi(name, version(name)) for name in _LIBRARIES]
    parts += [Kpi(t("Processors"), count(os.cpu_count())), Kpi("QBRAIN_ENV", settings().env)]
    kpis(parts)
