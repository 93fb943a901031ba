"""A task for tests of the queue: does what the JSON file that the spec names says, step by step."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from jobs.context import TaskContext
from qbrain_core import errors
from qbrain_core.specs import IngestSpec, JobSpec


def run(spec: JobSpec, context: TaskContext) -> dict[str, Any]:
    assert isinstance(spec, IngestSpec)
    result: dict[str, Any] = {"attempt": context.attempt, "upstream": sorted(context.upstream)}
    for step, *arguments in json.loads(Path(spec.path).read_text()):
        STEPS[step](context, result, *arguments)
    return result


def effect(context: TaskContext, result: dict[str, Any], file: str) -> None:
    context.fence()
    with Path(file).open("a") as lines:
        lines.write(f"{context.job_id} {context.attempt} {os.getpid()}\n")


def sleep(context: TaskContext, result: dict[str, Any], seconds: float) -> None:
    ends = time.monotonic() + seconds
    step = 0
    while time.monotonic() < ends:
        context.reporter.check()
        context.reporter.metric(step, {"train.l2": 1.0 / (step + 1)})
        step += 1
        time.sleep(0.05)


def sleep_once(context: TaskContext, result: dict[str, Any], seconds: float) -> None:
    if context.attempt == 1:
        sleep(context, result, seconds)


def ignore_everything(context: TaskContext, result: dict[str, Any], seconds: float) -> None:
    time.sleep(seconds)


def fail(context: TaskContext, result: dict[str, Any], error: str, message: str, attempts: int) -> None:
    if context.attempt <= attempts:
        raised = getattr(errors, error, None) or getattr(__import__("builtins"), error)
        raise raised(message)


def die(context: TaskContext, result: dict[str, Any], attempts: int) -> None:
    if context.attempt <= attempts:
        os.kill(os.getpid(), signal.SIGKILL)


def leave(context: TaskContext, result: dict[str, Any], status: int) -> None:
    os._exit(status)


def invalid(context: TaskContext, result: dict[str, Any]) -> None:
    raise errors.InvalidInputError("path", "x.csv", "nothing in it can be used")


def give(context: TaskContext, result: dict[str, Any], value: Any) -> None:
    result["value"] = value


def stage(context: TaskContext, result: dict[str, Any], name: str, fraction: float) -> None:
    context.reporter.stage(name, fraction=fraction)


def log(context: TaskContext, result: dict[str, Any], message: str) -> None:
    context.reporter.log(message)


STEPS = {
    f.__name__: f for f in (effect, sleep, sleep_once, ignore_everything, fail, die, leave, invalid, give, stage, log)
}  # fmt: skip
