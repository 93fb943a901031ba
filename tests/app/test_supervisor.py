import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.supervisor import Part, Supervisor


def wait_for(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def watching(supervisor: Supervisor) -> threading.Thread:
    thread = threading.Thread(target=supervisor.watch)
    thread.start()
    return thread


def test_output_goes_to_the_parts_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    supervisor = Supervisor(tmp_path, echo=True)
    supervisor.start(Part("talker", [sys.executable, "-c", "print('hello')"]))
    wait_for(lambda: "hello" in (tmp_path / "talker.log").read_text() if (tmp_path / "talker.log").exists() else False)
    supervisor.stop()
    assert "talker     | hello" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_killed_part_is_started_again(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, echo=False)
    part = Part("sleeper", ["sleep", "60"], delay_s=0.1)
    supervisor.start(part)
    thread = watching(supervisor)
    assert part.process is not None
    first = part.process.pid
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: part.process is not None and part.process.pid != first)
    supervisor.request_stop()
    thread.join()
    second = part.process.pid if part.process else 0
    supervisor.stop()
    assert not alive(second)
    assert "ended with status -9" in (tmp_path / "sleeper.log").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_parts_end_with_a_killed_supervisor(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from app.supervisor import Part, Supervisor\n"
        "s = Supervisor(Path(sys.argv[1]), echo=False); p = Part('sleeper', ['sleep', '60']); s.start(p)\n"
        "print(p.process.pid, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert alive(pid)
    process.kill()
    process.wait()
    wait_for(lambda: not alive(pid))


def test_stop_ends_a_part_that_ignores_sigterm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.supervisor._STOP_GRACE_S", 0.5)
    supervisor = Supervisor(tmp_path, echo=False)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    part = Part("deaf", [sys.executable, "-c", deaf])
    supervisor.start(part)
    wait_for(lambda: (tmp_path / "deaf.log").exists() and "up" in (tmp_path / "deaf.log").read_text())
    supervisor.stop()
    assert part.process is not None
    assert part.process.poll() == -signal.SIGKILL
