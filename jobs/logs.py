"""Where a process of ours writes its log: standard error; whoever started it keeps it."""

import logging
import sys

from qbrain_core.settings import Settings

__all__ = ["log_to_stderr"]

_CHATTY = ("alembic", "rq.worker", "botocore", "urllib3", "git", "mlflow")


def log_to_stderr(settings: Settings) -> None:
    """Log from the settings' level on; libraries that talk much from WARNING on.

    Parameters
    ----------
    settings : Settings
    """
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=settings.log_level, stream=sys.stderr, format=form)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))
