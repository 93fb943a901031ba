"""Whether the parts that pages rely on answer."""

from lake import open_lake
from qbrain_core.settings import Settings

__all__ = ["problems", "redis_trouble"]

_REDIS_TIMEOUT_S = 2


def redis_trouble(settings: Settings) -> str:
    """Ask Redis for a sign of life.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    str
        What is wrong; "" where it answers.
    """
    from redis import Redis

    try:
        Redis.from_url(settings.redis, socket_timeout=_REDIS_TIMEOUT_S).ping()
    except Exception as error:  # the answer is the report
        return f"{type(error).__name__}: {error}"
    return ""


def problems(settings: Settings) -> dict[str, str]:
    """Look for parts that do not answer.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    dict of str to str
        What is wrong by part: lake, redis; empty where all is well.
    """
    found: dict[str, str] = {}
    try:
        open_lake(settings).versions()
    except Exception as error:  # the answer is the report
        found["lake"] = f"{type(error).__name__}: {error}"
    trouble = redis_trouble(settings)
    return found | ({"redis": trouble} if trouble else {})
