"""The work behind each kind of job; a module is imported when its kind is first run or its worker starts."""

__all__ = ["TASKS"]

TASKS: dict[str, str] = {
    "ingest": "jobs.tasks.ingest",
    "check": "jobs.tasks.check",
    "clean": "jobs.tasks.clean",
    "downsample": "jobs.tasks.downsample",
    "factors": "jobs.tasks.factors",
    "factor_block": "jobs.tasks.factor_block",
    "evaluate": "jobs.tasks.evaluate",
    "train": "jobs.tasks.train",
    "predict": "jobs.tasks.predict",
    "backtest": "jobs.tasks.backtest",
    "upkeep": "jobs.tasks.upkeep",
}
"""Module by kind; its `run(spec, context)` is a `jobs.context.Task`."""
