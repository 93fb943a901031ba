"""What the kernel takes from a query's process, tried in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's locks are Linux's")

TRY = """
import json, os, socket, sys, threading
{before}
tried = {{}}
def attempt(name, function):
    try:
        function()
        tried[name] = "done"
    except OSError as error:
        tried[name] = type(error).__name__
def all_of_them(prefix=""):
    attempt(prefix + "read given", lambda: open(sys.argv[1]).read())
    attempt(prefix + "read other", lambda: open(sys.argv[2]).read())
    attempt(prefix + "list", lambda: os.listdir(os.path.dirname(sys.argv[1])))
    attempt(prefix + "write", lambda: os.open(sys.argv[1], os.O_RDWR))
    attempt(prefix + "create", lambda: os.open(sys.argv[2] + ".new", os.O_CREAT | os.O_WRONLY))
    attempt(prefix + "remove", lambda: os.remove(sys.argv[2]))
    attempt(prefix + "socket", socket.socket)
    attempt(prefix + "fork", lambda: os.fork() or os._exit(0))
    attempt(prefix + "run", lambda: os.posix_spawn("/bin/true", ["true"], {{}}))
    attempt(prefix + "signal", lambda: os.kill(os.getppid(), 0))
all_of_them()
thread = threading.Thread(target=all_of_them, args=("thread: ",))
thread.start(); thread.join()
print(json.dumps(tried))
"""


def attempts(tmp_path: Path, before: str) -> dict[str, str]:
    given, other = tmp_path / "given", tmp_path / "other"
    given.write_text("1")
    other.write_text("2")
    done = subprocess.run(
        [sys.executable, "-c", TRY.format(before=before), given, other], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert given.read_text() == "1"
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_landlock_leaves_the_given_files_to_be_read(tmp_path: Path) -> None:
    before = "from lake.cage.landlock import restrict\nassert restrict([sys.argv[1], '/no/such/file'])"
    tried = attempts(tmp_path, before)
    for prefix in ("", "thread: "):
        assert tried[prefix + "read given"] == "done"
        for name in ("read other", "list", "write", "create", "remove"):
            assert tried[prefix + name] == "PermissionError", name


def test_landlock_leaves_the_given_port_to_be_connected_to(tmp_path: Path) -> None:
    code = """
import encodings.idna, socket
from lake.cage.landlock import restrict
servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
ports = [server.getsockname()[1] for server in servers]
assert restrict([], ports[:1])
socket.create_connection(("127.0.0.1", ports[0])).close()
try:
    socket.create_connection(("127.0.0.1", ports[1]))
except PermissionError:
    print("closed")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "closed\n"


def test_seccomp_forbids_processes_signals_and_sockets(tmp_path: Path) -> None:
    tried = attempts(tmp_path, "from lake.cage.seccomp import forbid\nassert forbid(sockets=True)")
    for prefix in ("", "thread: "):
        assert tried[prefix + "read given"] == "done"
        for name in ("socket", "fork", "run", "signal"):
            assert tried[prefix + name] == "PermissionError", name


def test_seccomp_leaves_sockets_to_a_lake_in_a_bucket(tmp_path: Path) -> None:
    code = "import socket\nfrom lake.cage.seccomp import forbid\nassert forbid(sockets=False)\nsocket.socket()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_limits_are_set_for_good() -> None:
    code = """
import json, os, resource
from pathlib import Path
from lake.cage.limits import limit
limit(256, 7, parent=os.getppid())
names = ("AS", "FSIZE", "CORE", "CPU", "NOFILE")
print(json.dumps({n: resource.getrlimit(getattr(resource, "RLIMIT_" + n)) for n in names}
                 | {"oom": Path("/proc/self/oom_score_adj").read_text().strip(), "nice": os.nice(0)}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["FSIZE"] == told["CORE"] == [0, 0]
    assert told["CPU"] == [7, 7]
    assert told["AS"][0] == told["AS"][1] < 2 * 2**30
    assert told["NOFILE"][1] <= 4096
    assert told["oom"] == "1000"
    assert told["nice"] >= 5
