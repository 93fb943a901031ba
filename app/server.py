"""The web server: one ASGI process that serves the pages, `/healthz`, `/readyz` and `/metrics`."""

import logging
import signal
import sys
import threading
import tomllib
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from app import page
from app.cache_figures import exposition
from app.health import problems
from app.session import lake
from app.warm import warm, warm_registry
from qbrain_core.settings import Settings

__all__ = ["build", "main"]

_HERE = Path(__file__).resolve().parent
_FIXED = {"browser.gatherUsageStats": False, "server.headless": True, "server.fileWatcherType": "none"}
_STOP_S = 3  # browsers hold their websocket open for ever
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; frame-ancestors 'self'"
)
"""Content security policy: a page may talk to this server and to nobody else."""


class _Guarded:
    # plain ASGI, because Starlette's own base class does not pass websockets through
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = _POLICY
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
            await send(message)

        await self.app(scope, receive, guarded if scope["type"] == "http" else send)


def build(settings: Settings) -> st.App:
    """Make the ASGI application.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    streamlit.App
    """
    _configure(settings)

    async def healthy(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def metrics(request: Request) -> Response:
        text = await run_in_threadpool(lambda: exposition(lake().cache.figures()))
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def ready(request: Request) -> Response:
        found = await run_in_threadpool(problems, settings)
        return JSONResponse({"status": "degraded" if found else "ok", **found}, 503 if found else 200)

    @asynccontextmanager
    async def lifespan(app: st.App) -> AsyncGenerator[None, None]:
        settings.make_home()
        await run_in_threadpool(lake)
        for target in (warm, warm_registry):
            threading.Thread(target=target, name=target.__name__, daemon=True).start()
        logging.getLogger("qbrain.app").info("serving http://%s:%d", settings.host, settings.port)
        yield

    return st.App(
        _HERE / "main.py",
        routes=[Route("/healthz", healthy), Route("/readyz", ready), Route("/metrics", metrics)],
        middleware=[Middleware(_Guarded)],
        lifespan=lifespan,
        on_script_error=_show,
    )


def main() -> None:
    """Serve until SIGTERM or SIGINT; `QBRAIN_HOST` and `QBRAIN_PORT` say where."""
    settings = Settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # uvicorn sends the signal on once it has stopped; a stop that was asked for is a success
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        build(settings),
        host=settings.host,
        port=settings.port,
        ws="websockets-sansio",
        ws_max_size=config.get_option("server.maxMessageSize") * 1024 * 1024,
        timeout_graceful_shutdown=_STOP_S,
        access_log=False,
        log_config=None,
        log_level=settings.log_level.lower(),
    )


def _show(error: Exception) -> bool:
    page.report(error)
    return True


def _configure(settings: Settings) -> None:
    stored = _HERE.parent / ".streamlit" / "config.toml"
    options = dict(_flat(tomllib.loads(stored.read_text(encoding="utf-8")))) if stored.is_file() else {}
    options |= _FIXED | {"server.address": settings.host, "server.port": settings.port}
    for name, value in options.items():
        config.set_option(name, value)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


if __name__ == "__main__":
    main()
