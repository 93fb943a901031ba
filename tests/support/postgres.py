"""A PostgreSQL server of its own on a unix socket, where Debian's binaries are installed."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path | None:
    """Find the folder of initdb and postgres."""
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders = [Path(found).resolve().parent] if found else debian
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@contextmanager
def postgres_server() -> Iterator[str]:
    """Run a server; gives the URL of its database `postgres`."""
    tools = binaries()
    assert tools is not None
    # not below pytest's folder: only its owner may enter that, and the server runs as another user
    folder = Path(tempfile.mkdtemp(prefix="qbrain-pg-"))
    user = None
    if os.geteuid() == 0:  # it refuses to run as root
        user = next(u for u in ("postgres", "nobody") if u in {p.pw_name for p in pwd.getpwall()})
        shutil.chown(folder, user)
    options = {"user": user, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "cwd": folder}
    data = folder / "data"
    made = subprocess.run(
        [tools / "initdb", "-D", data, "-U", "qbrain", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"],
        check=False, **options,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout
    log = (folder / "log").open("wb")  # not a pipe: nobody would read it, and a full one stops the server
    server = subprocess.Popen(
        [tools / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off",
         "-c", "max_connections=200"], **(options | {"stdout": log}),
    )  # fmt: skip
    try:
        ready = [tools / "pg_isready", "-h", folder, "-q"]
        for _ in range(600):
            if subprocess.run(ready, check=False).returncode == 0:
                break
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield f"postgresql+psycopg://qbrain@/postgres?host={folder}"
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
        server.wait(30)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)
