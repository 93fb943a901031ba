"""Which instruments people opened last: what a server gets ready before anybody asks."""

import json
import logging
import threading
import uuid
from functools import lru_cache
from pathlib import Path

from qbrain_core.settings import Settings

__all__ = ["Opened", "opened"]

_KEPT = 24


class Opened:
    """Instruments opened last, kept in a file; thread-safe.

    Parameters
    ----------
    path : Path
        Need not exist. What cannot be read counts as empty, what cannot be written is let go: it is a convenience.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def codes(self) -> list[str]:
        """List them.

        Returns
        -------
        list of str
            The latest first, 24 at most.
        """
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return [code for code in known if isinstance(code, str)][:_KEPT] if isinstance(known, list) else []

    def note(self, code: str) -> None:
        """Remember that an instrument was opened.

        Parameters
        ----------
        code : str
        """
        with self._lock:
            known = self.codes()
            if known[:1] == [code]:
                return
            fresh = self._path.with_name(f"{uuid.uuid4().hex}.tmp")
            try:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                fresh.write_text(json.dumps([code, *(k for k in known if k != code)][:_KEPT]), encoding="utf-8")
                fresh.replace(self._path)
            except OSError as error:
                logging.getLogger("qbrain.app").info("the instruments opened last are not kept: %s", error)


@lru_cache(maxsize=4)
def opened(settings: Settings) -> Opened:
    """Give the instruments opened last in an installation.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    Opened
    """
    return Opened(settings.home / "cache" / "opened.json")
