import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from app.doctor import examine

ROOT = Path(__file__).resolve().parents[2]
START_S, STOP_S = 60, 20


@pytest.fixture
def served(settings, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"QBRAIN_PORT": str(port), "QBRAIN_HOME": str(settings.home)}
    # started elsewhere on purpose: the theme must come from the checkout, not from the working directory
    environment["PYTHONPATH"] = str(ROOT)
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "app.server"], cwd=tmp_path, env=environment, stdout=log, stderr=subprocess.STDOUT
    )
    deadline = time.monotonic() + START_S
    while True:
        try:
            urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
            break
        except (URLError, OSError):
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)
    yield process, port
    if process.poll() is None:
        process.kill()
        process.wait()
    log.close()


def test_server_answers_health_metrics_and_pages_and_stops_on_term(served, settings):
    process, port = served
    with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        assert answer.status == 200
        assert "connect-src 'self'" in answer.headers["Content-Security-Policy"]
    # no queue is running: the server says so and serves on
    with pytest.raises(HTTPError) as refused:
        urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10)
    assert refused.value.code == 503
    assert b"redis" in refused.value.read()
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert b'qbrain_cache_misses_total{level="memory"}' in answer.read()
    caches = {check.name: check for check in examine(settings.model_copy(update={"port": port}))}["caches"]
    assert caches.ok
    assert "memory" in caches.found
    process.send_signal(signal.SIGTERM)
    assert process.wait(STOP_S) == 0
