"""A real server over a small demo lake, and a real browser."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from lake import open_lake
from lake.demo import demo_market
from qbrain_core.settings import QUEUES, Settings

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "tests" / "e2e" / "shots"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
START_S = 90
WAIT_MS = 30_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.e2e)


@dataclass(frozen=True)
class Stack:
    """A running installation: its settings, the environment of its processes, and its address."""

    settings: Settings
    environment: dict[str, str]
    url: str

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        log = (self.settings.home / "logs" / f"{command[1]}-{'-'.join(command[2:])}.log").open("wb")
        return subprocess.Popen([sys.executable, *command], cwd=ROOT, env=self.environment, stdout=log, stderr=log)


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory, place: Callable[[], AbstractContextManager[dict[str, str]]]
) -> Iterator[Stack]:
    """Valkey and the web server over a demo lake of 60 names; stopped at the end."""
    with place() as fields:
        yield from _stack(tmp_path_factory, fields)


def _stack(tmp_path_factory: pytest.TempPathFactory, fields: dict[str, str]) -> Iterator[Stack]:
    from jobs.valkey import start_valkey

    home = tmp_path_factory.mktemp("e2e") / "home"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = Settings(env="test", home=home, port=port, **fields)
    settings.make_home()
    frames = demo_market(n_instruments=60, start=date(2022, 6, 1))
    with open_lake(settings).commit("demo", 1) as transaction:
        for name, frame in frames.items():
            transaction.upsert(name, frame)
    environment = {n: v for n, v in os.environ.items() if not n.startswith("QBRAIN_")}
    environment |= {"QBRAIN_ENV": "test", "QBRAIN_HOME": str(home), "QBRAIN_PORT": str(port), "PYTHONPATH": str(ROOT)}
    environment |= {f"QBRAIN_{name.upper()}": value for name, value in fields.items()}
    made = Stack(settings, environment, f"http://127.0.0.1:{port}")
    with start_valkey(settings):
        server = made.start("-m", "app.server")
        try:
            _wait(made, server)
            yield made
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture(scope="module")
def workers(stack: Stack) -> Iterator[None]:
    """One worker per queue, for tests that need jobs to run; others want theirs to wait."""
    started = [stack.start("-m", "jobs.worker", queue) for queue in QUEUES]
    yield
    for process in started:
        process.terminate()
    for process in started:
        process.wait(30)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on the PATH")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Browser, stack: Stack, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Open `visit(path, language=…, dark=…)`; every page must stay without an error state and keep to this server."""
    contexts = []
    pages: list[Page] = []
    outside: list[str] = []

    def open_page(path: str, *, language: str = "en-US", dark: bool = False, width: int = 1400) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 1000}, locale=language, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        own = (stack.url, stack.url.replace("http", "ws"), "data:", "blob:")
        page.on("request", lambda r: None if r.url.startswith(own) else outside.append(r.url))
        page.goto(stack.url + path, wait_until="domcontentloaded")
        page.wait_for_selector(".qb-title")
        pages.append(page)
        return page

    yield open_page
    SHOTS.mkdir(exist_ok=True)
    for number, page in enumerate(pages):
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", request.node.name)
        page.screenshot(path=SHOTS / f"{name}-{number}.png", full_page=True)
        assert "Traceback" not in page.content()
    for context in contexts:
        context.close()
    assert outside == []


def _wait(stack: Stack, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            urlopen(stack.url + "/healthz", timeout=2).close()
            return
        except (URLError, OSError):
            assert server.poll() is None, "the server ended at once"
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.3)
