"""Make `.venv` from a bare checkout: find Python 3.11 or 3.12, install the pinned dependencies, say what is wrong.

Standard library only, and old syntax on purpose: whatever `python3` is on the machine starts this file.

    python3 deploy/bootstrap.py [base|dev]
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
READY = os.path.join(VENV, ".qbrain-ready")
VERSIONS = ((3, 12), (3, 11))
NEEDED_GIB = 4.0
PROBE = "import sys; print('%d.%d' % sys.version_info[:2])"


def stop(sentence):
    """End with one sentence that says what to do."""
    sys.stderr.write("Q-Brain: " + sentence + "\n")
    sys.exit(1)


def probe(command):
    """Return the (major, minor) version of an interpreter, or None when it does not run."""
    try:
        out = subprocess.check_output([command, "-c", PROBE], stderr=subprocess.DEVNULL, timeout=30)
        major, minor = out.decode().strip().split(".")
        return int(major), int(minor)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def find_python():
    """Return the path of a Python 3.11 or 3.12."""
    if sys.version_info[:2] in VERSIONS:
        return sys.executable
    for version in VERSIONS:
        name = "python%d.%d" % version
        path = shutil.which(name)
        if path and probe(path) == version:
            return path
    stop(
        "Python 3.11 or 3.12 is needed and python3 here is %d.%d; install one (for example 'apt install python3.11 "
        "python3.11-venv' or 'brew install python@3.12') and run 'make up' again, or name it: "
        "'make up PYTHON=/path/to/python3.12'." % sys.version_info[:2]
    )


def wanted(extra):
    """Return the fingerprint of what must be installed."""
    digest = hashlib.sha256()
    for name in ("deploy/constraints.txt", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return extra + " " + digest.hexdigest()


def installed():
    """Return the fingerprint of what is installed, or ''."""
    try:
        with open(READY) as file:
            return file.read().strip()
    except OSError:
        return ""


def satisfied(extra):
    """Tell whether `.venv` already holds everything."""
    have = installed()
    return have in (wanted(extra), wanted("dev")) and probe(os.path.join(VENV, "bin", "python")) in VERSIONS


def check_disk():
    """Stop when the disk cannot hold the installation."""
    free = shutil.disk_usage(ROOT).free / 2.0**30
    if free < NEEDED_GIB:
        stop(
            "the installation needs %.0f GiB of free disk and %s has %.1f; free some space, then run the same command "
            "again." % (NEEDED_GIB, ROOT, free)
        )


def make_venv(python):
    """Create `.venv`, replacing a half-made one."""
    if os.path.lexists(VENV):
        if os.path.islink(VENV) or not (os.path.exists(os.path.join(VENV, "pyvenv.cfg")) or not os.listdir(VENV)):
            stop(".venv exists and is not a virtual environment; move it away and run the same command again.")
        if probe(os.path.join(VENV, "bin", "python")) in VERSIONS:
            return
        print("Q-Brain: .venv is half made; making it anew")
        shutil.rmtree(VENV)
    print("Q-Brain: making .venv with %s" % python)
    result = subprocess.run([python, "-m", "venv", VENV])
    if result.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        stop(
            "%s cannot make a virtual environment; on Debian and Ubuntu install its venv package "
            "('apt install python3.11-venv'), then run the same command again." % python
        )


def install(extra):
    """Install the pinned dependencies and the project itself."""
    if os.path.exists(READY):
        os.remove(READY)
    target = "." if extra == "base" else ".[dev]"
    print("Q-Brain: installing the pinned dependencies (a few minutes the first time)")
    started = time.time()
    command = [
        os.path.join(VENV, "bin", "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
        "--progress-bar", "off", "-qq", "-c", os.path.join(ROOT, "deploy", "constraints.txt"), "-e", target,
    ]  # fmt: skip
    sys.stdout.flush()
    process = subprocess.Popen(command, cwd=ROOT)
    while True:
        try:
            process.wait(timeout=15)
            break
        except subprocess.TimeoutExpired:
            print("Q-Brain: still installing, %d s" % (time.time() - started))
            sys.stdout.flush()
    if process.returncode != 0:
        check_disk()
        stop(
            "pip could not install the dependencies (its message stands above); check the network or the package "
            "index, then run the same command again: it goes on where it stopped."
        )
    with open(READY, "w") as file:
        file.write(wanted(extra))
    print("Q-Brain: installed in %d s" % (time.time() - started))


def compile_kernels():
    """Compile the loops that factors are computed with, so that the first job need not."""
    print("Q-Brain: compiling the factor kernels (half a minute, once)")
    sys.stdout.flush()
    command = [os.path.join(VENV, "bin", "python"), "-c", "from qbrain_core.factors.warm import warm; warm()"]
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        print("Q-Brain: that failed (its message stands above); they are compiled when first used")


def main():
    """Make `.venv` ready for `base` or `dev`."""
    extra = sys.argv[1] if len(sys.argv) > 1 else "base"
    if extra not in ("base", "dev"):
        stop("bootstrap.py knows 'base' and 'dev', not %r." % extra)
    if satisfied(extra):
        return
    python = find_python()
    check_disk()
    if not os.access(ROOT, os.W_OK):
        stop("%s cannot be written; clone the project somewhere you own." % ROOT)
    # a virtual environment that once had the development tools keeps them
    if installed().startswith("dev "):
        extra = "dev"
    make_venv(python)
    install(extra)
    compile_kernels()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.stderr.write("\nQ-Brain: stopped; run the same command again to go on.\n")
        sys.exit(130)
    except OSError as error:
        if error.errno == 28:
            stop("the disk is full (%s); free some space, then run the same command again." % ROOT)
        raise
