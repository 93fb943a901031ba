"""Connect to Redis so that an outage is noticed at once instead of waited for."""

from functools import lru_cache

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from qbrain_core.settings import Settings

__all__ = ["REDIS_DOWN", "connect", "new_connection"]

REDIS_DOWN = (RedisError,)
"""What a command raises when Redis is away, full, or holds what it should not.

The records are the truth: callers go on without Redis.
"""

_CONNECT_S = 2.0
_ANSWER_S = 10.0


def connect(settings: Settings) -> Redis:
    """Give this process's connection to Redis; nothing is sent yet.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    Redis
        Commands raise `RedisError` within seconds while it cannot be reached. Safe after a fork.
    """
    return _connect(settings.redis)


@lru_cache(maxsize=16)
def _connect(url: str) -> Redis:
    return new_connection(url)


def new_connection(url: str) -> Redis:
    """Make a connection that nobody shares.

    Parameters
    ----------
    url : str

    Returns
    -------
    Redis
    """
    # one second try: a pooled connection may be a dead one from before a restart
    retry = Retry(ConstantBackoff(0.02), 1)
    return Redis.from_url(url, retry=retry, socket_connect_timeout=_CONNECT_S, socket_timeout=_ANSWER_S)
