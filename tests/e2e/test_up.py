"""`qbrain up`: everything starts from an empty home, survives a killed part, and ends without leaving a process."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.e2e


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.2)


def healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, dict[str, str]]]:
    port = free_port()
    env = {k: v for k, v in os.environ.items() if not k.startswith("QBRAIN_")}
    env |= {"QBRAIN_ENV": "test", "QBRAIN_HOME": str(tmp_path / "home"), "QBRAIN_PORT": str(port)}
    log = (tmp_path / "up.log").open("w+")
    process = subprocess.Popen([sys.executable, "-m", "app.cli.main", "up"], env=env, stdout=log, stderr=log, text=True)
    yield process, f"http://127.0.0.1:{port}", env
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    log.close()


def test_up_from_an_empty_home_to_the_last_process(
    stack: tuple[subprocess.Popen[str], str, dict[str, str]], tmp_path: Path
) -> None:
    process, url, env = stack
    wait_for(lambda: healthy(url) or process.poll() is not None, 90)
    assert process.poll() is None, (tmp_path / "up.log").read_text()
    wait_for(lambda: "ready in" in (tmp_path / "up.log").read_text(), 10)

    def named(*words: str) -> list[psutil.Process]:
        below = [p for p in psutil.Process(process.pid).children(recursive=True) if alive(p)]
        return [p for p in below if all(w in " ".join(p.cmdline()) for w in words)]

    assert {q for q in ("data", "train", "backtest") if named("jobs.worker", q)} == {"data", "train", "backtest"}
    wait_for(lambda: subprocess.run([sys.executable, "-m", "app.cli.main", "doctor"], env=env).returncode == 0, 60)

    web = named("app.server")[0].pid
    os.kill(web, signal.SIGKILL)
    wait_for(lambda: bool(named("app.server")) and named("app.server")[0].pid != web and healthy(url), 60)
    valkey = named("valkey.sock")[0].pid
    os.kill(valkey, signal.SIGKILL)
    wait_for(lambda: bool(named("valkey.sock")) and named("valkey.sock")[0].pid != valkey, 30)

    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    psutil.wait_procs(below, timeout=5)
    assert [p for p in below if alive(p)] == []
    assert "stopped" in (tmp_path / "up.log").read_text()
