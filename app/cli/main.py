"""Entry point of the `qbrain` command: puts the groups together and words every error as one sentence."""

import os
import sys

import typer
from pydantic import ValidationError

from app.cli import data, evaluations, factors, jobs, lake, parts, quality, schedules, up
from qbrain_core.errors import InvalidInputError, QBrainError

__all__ = ["app", "main"]

app = typer.Typer(
    name="qbrain", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Q-Brain (Q脑): lake, jobs and pages of a quant team.",
)  # fmt: skip
for group in (up, parts, jobs, data, quality, lake, schedules, factors, evaluations):
    group.register(app)


def main() -> None:
    """Run the command line; exit 2 for wrong input, 1 for any other failure, 130 for Ctrl-C."""
    try:
        app()
    except InvalidInputError as error:
        _fail(error, 2)
    except ValidationError as error:
        # settings are read from the environment; every field there is QBRAIN_<NAME>
        first = error.errors(include_input=False, include_url=False)[0]
        name = "QBRAIN_" + "_".join(str(part) for part in first["loc"]).upper() if first["loc"] else "settings"
        _fail(f"{name}: {first['msg'].removeprefix('Value error, ')}", 2)
    except QBrainError as error:
        _fail(error, 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # the reader (head, less) went away; nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _fail(error: Exception | str, status: int) -> None:
    sys.stderr.write(f"qbrain: {error}\n")
    sys.exit(status)


if __name__ == "__main__":
    main()
