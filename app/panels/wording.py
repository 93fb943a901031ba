"""What people read for the closed vocabularies of jobs, models and backtests; `t(...)` puts them into a language."""

from app.i18n import mark

__all__ = [
    "FIGURES",
    "FILL_REASONS",
    "KINDS",
    "REJECTION_REASONS",
    "RESULTS",
    "SECTORS",
    "SEGMENTS",
    "SIDES",
    "STAGES",
    "STAGES_OF",
    "STATUSES",
    "STATUS_TONES",
    "WORKER_STATES",
]

KINDS = {
    "ingest": mark("Ingest"),
    "check": mark("Quality check"),
    "clean": mark("Repair"),
    "downsample": mark("Downsampling"),
    "factors": mark("Factors"),
    "factor_block": mark("Block of factors"),
    "evaluate": mark("Evaluation of factors"),
    "train": mark("Training"),
    "predict": mark("Prediction"),
    "backtest": mark("Backtest"),
    "upkeep": mark("Upkeep"),
}
"""Kinds of job."""

STATUSES = {
    "waiting": mark("waiting"),
    "queued": mark("queued"),
    "running": mark("running"),
    "succeeded": mark("succeeded"),
    "failed": mark("failed"),
    "cancelled": mark("cancelled"),
}
"""States of a job."""

STATUS_TONES = {
    "waiting": "gray",
    "queued": "blue",
    "running": "violet",
    "succeeded": "green",
    "failed": "red",
    "cancelled": "amber",
}
"""Tone of the badge of each state."""

STAGES = {
    "load": mark("Load"),
    "read": mark("Read"),
    "adjust": mark("Adjust"),
    "check": mark("Check"),
    "compile": mark("Compile"),
    "compute": mark("Compute"),
    "process": mark("Process"),
    "fit": mark("Fit"),
    "predict": mark("Predict"),
    "evaluate": mark("Evaluate"),
    "register": mark("Register"),
    "panel": mark("Lay out"),
    "simulate": mark("Simulate"),
    "account": mark("Keep books"),
    "write": mark("Write"),
    "archive_audit": mark("Archive the audit"),
    "retain": mark("Let old rows go"),
    "compact": mark("Compact"),
    "vacuum": mark("Clean up"),
}
"""Stages that tasks report."""

STAGES_OF = {
    "ingest": ("read", "check", "write"),
    "check": ("check", "write"),
    "clean": ("read", "compute", "write"),
    "downsample": ("compute",),
    "factors": ("load", "compute", "write"),
    "factor_block": ("load", "compute"),
    "evaluate": ("load", "evaluate", "write"),
    "train": ("load", "process", "fit", "predict", "evaluate", "register"),
    "predict": ("load", "predict", "write"),
    "backtest": ("load", "panel", "simulate", "account", "write"),
    "upkeep": ("archive_audit", "retain", "compact", "vacuum"),
}
"""Stages of each kind of job, in order."""

SEGMENTS = {"train": mark("Train"), "valid": mark("Valid"), "test": mark("Test")}
"""Parts of a dataset."""

SIDES = {"buy": mark("Buy"), "sell": mark("Sell")}
"""Sides of an order."""

FILL_REASONS = {
    "enter": mark("Entered the top"),
    "drop": mark("Dropped out"),
    "stop": mark("Stop loss"),
    "delisted": mark("Delisted"),
}
"""Why an order was sent."""

REJECTION_REASONS = {
    "limit_up": mark("Limit up"),
    "limit_down": mark("Limit down"),
    "halt": mark("Halted"),
    "t_plus_1": mark("T+1"),
    "lot": mark("Less than a lot"),
    "cash": mark("Not enough cash"),
    "no_bar": mark("No bar"),
}
"""Why an order was not filled."""

RESULTS = {
    "model": mark("Model"),
    "version": mark("Version"),
    "best_iteration": mark("Best iteration"),
    "features": mark("Features"),
    "factors": mark("Factors"),
    "rows": mark("Rows"),
    "run_id": mark("Run"),
    "table": mark("Table"),
    "factor_set": mark("Factor set"),
    "table_version": mark("Table version"),
    "columns": mark("Columns"),
    "instruments": mark("Instruments"),
    "sessions": mark("Sessions"),
    "start": mark("First session"),
    "end": mark("Last session"),
    "rows_in": mark("Rows read"),
    "rows_computed": mark("Rows computed"),
    "rows_written": mark("Rows written"),
    "rows_changed": mark("Rows changed"),
    "rows_made": mark("Rows made"),
    "rows_deleted": mark("Rows deleted"),
    "months": mark("Months"),
    "rows_removed": mark("Rows removed"),
    "repair": mark("Repair"),
    "mode": mark("Extent"),
    "leakage": mark("Leakage check"),
    "errors": mark("Errors"),
    "warnings": mark("Warnings"),
    "rows_quarantined": mark("Rows quarantined"),
}
"""What the results of jobs are called."""

SECTORS = {
    name: name
    for name in (
        mark("Health Care"), mark("Information Technology"), mark("Financials"), mark("Industrials"),
        mark("Utilities"), mark("Communication Services"), mark("Consumer Discretionary"), mark("Consumer Staples"),
        mark("Materials"), mark("Real Estate"), mark("Energy"), mark("Health"), mark("Banks"), mark("Technology"),
        mark("Telecom"), mark("Consumer"),
    )
}  # fmt: skip
"""Sectors that have a name in every language: those of GICS and of the demo market; others are shown as they came."""

WORKER_STATES = {
    "starting": mark("starting"),
    "idle": mark("idle"),
    "busy": mark("busy"),
    "stopping": mark("stopping"),
}
"""What a worker does."""

FIGURES = {
    "total_return": (mark("Total return"), mark("Compounded over the whole period.")),
    "cagr": (mark("CAGR"), mark("Compounded annual growth: (1 + total) ^ (sessions per year ÷ sessions) − 1.")),
    "volatility": (mark("Volatility"), mark("Standard deviation of session returns × √sessions per year.")),
    "sharpe": (mark("Sharpe"), mark("Arithmetic mean ÷ standard deviation, annualised; risk-free rate 0.")),
    "sortino": (mark("Sortino"), mark("Arithmetic mean ÷ downside deviation below 0, annualised.")),
    "calmar": (mark("Calmar"), mark("CAGR ÷ |deepest drawdown|, whole period.")),
    "max_drawdown": (mark("Max drawdown"), mark("Deepest fall of the compounded curve from its highest point.")),
    "max_drawdown_sessions": (mark("Drawdown length"), mark("Sessions in a row below the peak of that drawdown.")),
    "information_ratio": (mark("Information ratio"), mark("Mean excess return ÷ tracking error, annualised.")),
    "tracking_error": (mark("Tracking error"), mark("Standard deviation of the excess return, annualised.")),
    "alpha": (mark("Alpha"), mark("Intercept of the regression on the benchmark × sessions per year.")),
    "beta": (mark("Beta"), mark("Slope of the regression on the benchmark.")),
    "turnover": (mark("Annual turnover"), mark("One-sided, per year: (bought + sold) ÷ 2 ÷ equity.")),
    "win_rate": (mark("Win rate"), mark("Share of closed round trips that earned money after costs.")),
    "fees": (mark("Fees"), mark("Commission and stamp duty, in currency.")),
    "slippage": (mark("Slippage"), mark("Cost against unslipped prices, in currency.")),
    "n_fills": (mark("Fills"), mark("Orders filled, wholly or partly.")),
    "n_rejections": (mark("Rejections"), mark("Orders, or rests of them, that were not filled.")),
}
"""Key figures of a backtest: name, and the convention behind it."""
