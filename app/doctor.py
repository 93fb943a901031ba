"""Say what is wrong with an installation, part by part, and how to mend it."""

import importlib.metadata
import os
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from qbrain_core.settings import QUEUES, Settings

__all__ = ["Check", "examine"]

_PACKAGES = ("streamlit", "duckdb", "deltalake", "polars", "pyqlib", "lightgbm", "vectorbt", "mlflow", "rq")


@dataclass(frozen=True)
class Check:
    """What was looked at, whether it is well, what was found, and what to do when it is not."""

    name: str
    ok: bool
    found: str
    remedy: str = ""

    def as_dict(self) -> dict[str, object]:
        """Give the fields as JSON values."""
        return asdict(self)


def examine(settings: Settings) -> list[Check]:
    """Check Python, packages, disk, records, lake, Redis, workers, model registry, web server and its caches.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    list of Check
        In that order; a part that cannot be looked at is a failed check, never an exception.
    """
    parts: dict[str, Callable[[Settings], Check]] = {
        "python": _python, "packages": _packages, "disk": _disk, "records": _records, "lake": _lake, "redis": _redis,
        "workers": _workers, "registry": _registry, "web": _web, "caches": _caches,
    }  # fmt: skip
    return list(_run(parts, settings))


def _run(parts: dict[str, Callable[[Settings], Check]], settings: Settings) -> Iterator[Check]:
    for name, look in parts.items():
        try:
            yield look(settings)
        except Exception as error:
            yield Check(name, False, f"{type(error).__name__}: {error}", "see the logs in the home folder")


def _python(_: Settings) -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info[:2] in ((3, 11), (3, 12))
    return Check("python", ok, version, "" if ok else "use Python 3.11 or 3.12: remove .venv and run make up")


def _packages(_: Settings) -> Check:
    found, missing = [], []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    remedy = f"{', '.join(missing)} missing: run make up again" if missing else ""
    return Check("packages", not missing, ", ".join(found), remedy)


def _disk(settings: Settings) -> Check:
    place = settings.home if settings.home.exists() else settings.home.resolve().parent
    free = shutil.disk_usage(place).free / 2**30
    ok = free >= 1 and os.access(place, os.W_OK)
    return Check("disk", ok, f"{free:.1f} GiB free at {place}", "" if ok else "free some space, or set QBRAIN_HOME")


def _records(settings: Settings) -> Check:
    from lake.records import open_records

    open_records(settings)
    return Check("records", True, _without_password(settings.database))


def _lake(settings: Settings) -> Check:
    from lake import open_lake

    lake = open_lake(settings)
    rows = lake.sql("SELECT count(*) AS n, max(session) AS last FROM bars").row(0)
    remedy = "" if rows[0] else "no bars yet: qbrain ingest PATH --market …, or make up for the demo market"
    return Check("lake", bool(rows[0]), f"{rows[0]:,} bars, last session {rows[1]}, at {settings.lake_root}", remedy)


def _redis(settings: Settings) -> Check:
    import redis

    started = time.perf_counter()
    try:
        redis.Redis.from_url(settings.redis).ping()
    except redis.RedisError as error:
        remedy = "make up starts it" if settings.embedded_redis else "check QBRAIN_REDIS_URL and that the server runs"
        return Check("redis", False, f"no answer at {_without_password(settings.redis)}: {error}", remedy)
    return Check("redis", True, f"answers in {(time.perf_counter() - started) * 1000:.1f} ms")


def _workers(settings: Settings) -> Check:
    from jobs import workers

    alive = workers(settings=settings)
    idle = [q for q in QUEUES if not any(w.queue == q for w in alive)]
    found = ", ".join(f"{w.queue} (process {w.pid})" for w in alive) or "none"
    remedy = f"no worker serves {', '.join(idle)}: make up, or qbrain worker {idle[0]}" if idle else ""
    return Check("workers", not idle, found, remedy)


def _registry(settings: Settings) -> Check:
    from lake.registry import Registry

    return Check(
        "registry", True, f"{len(Registry(settings).models())} models, {_without_password(settings.mlflow_database)}"
    )


def _web(settings: Settings) -> Check:
    url = f"http://{settings.host}:{settings.port}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=3) as response:
            return Check("web", response.status == 200, f"{url} answers {response.status}")
    except OSError as error:
        return Check("web", False, f"{url}: {error}", "make up, or qbrain serve")


def _caches(settings: Settings) -> Check:
    from app.cache_figures import hit_rates

    url = f"http://{settings.host}:{settings.port}/metrics"
    try:
        with urllib.request.urlopen(url, timeout=3) as response:
            rates = hit_rates(response.read().decode())
    except OSError:
        return Check("caches", True, "the web server is not running: nothing to count")
    told = [f"{level} {hits} of {asked}" + (f" ({hits / asked:.0%})" if asked else "")
            for level, (hits, asked) in rates.items()]  # fmt: skip
    return Check("caches", True, f"hits: {', '.join(told)}")


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    if not at:
        return url
    scheme, _, user = head.partition("://")
    return f"{scheme}://{user.partition(':')[0]}:***@{tail}"
