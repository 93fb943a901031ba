"""S3 stores of a test run's own: moto, which this file runs as a script, and Ceph RGW by the script in shared/."""

import fcntl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

CEPH_SCRIPT = Path(__file__).resolve().parents[3] / "shared" / "s3" / "ceph_rgw.sh"
CEPH_PORT = 9104


@contextmanager
def moto_store(*, careless: bool = False) -> Iterator[dict[str, str]]:
    """Run moto; gives the `AWS_*` variables that reach it.

    A careless one ignores the condition of a conditional PUT.
    """
    command = [sys.executable, __file__, "careless" if careless else "honest"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        yield _variables(int(server.stdout.readline()))
    finally:
        server.kill()
        server.communicate()


@contextmanager
def ceph_store() -> Iterator[dict[str, str]]:
    """Run a fresh Ceph RGW; gives the `AWS_*` variables that reach it."""
    folder = Path(tempfile.gettempdir()) / "qbrain-ceph" / "run"  # what it unpacks stays for the next run
    command = ["bash", str(CEPH_SCRIPT), str(folder), str(CEPH_PORT)]
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # its ports are fixed: another run's ends first
        yield from _ceph(command, folder)


def _ceph(command: list[str], folder: Path) -> Iterator[dict[str, str]]:
    try:
        for _ in range(3):  # its disk daemon comes before its monitor now and then, and gives up
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
            if done.returncode == 0:
                break
            _stop_ceph(folder)
        assert done.returncode == 0, done.stdout + done.stderr
        yield _variables(CEPH_PORT)
    finally:
        _stop_ceph(folder)


def _stop_ceph(folder: Path) -> None:
    pids = folder / "pids"
    for pid in pids.read_text().split() if pids.is_file() else []:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(pid))
            if str(folder) in " ".join(process.cmdline()):  # else the number has passed on to another
                process.kill()
    pids.unlink(missing_ok=True)
    time.sleep(1)  # its ports are free then


def _variables(port: int) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "testtest", "AWS_REGION": "us-east-1",
    }  # fmt: skip


def _serve(*, careless: bool) -> None:
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    moto = DomainDispatcherApplication(create_backend_app)

    def forgetful(environ: dict[str, object], start_response: Callable[..., object]) -> object:
        environ.pop("HTTP_IF_NONE_MATCH", None)
        return moto(environ, start_response)

    one_at_a_time = threading.Lock()

    def honest(environ: dict[str, object], start_response: Callable[..., object]) -> object:
        # moto looks and writes in two steps, between which another of its threads may write
        if "HTTP_IF_NONE_MATCH" not in environ:
            return moto(environ, start_response)
        with one_at_a_time:
            return moto(environ, start_response)

    class Http11(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept

        def log(self, *_: object) -> None:
            pass

    server = make_server("127.0.0.1", 0, forgetful if careless else honest, threaded=True, request_handler=Http11)
    print(server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    _serve(careless=sys.argv[1] == "careless")
