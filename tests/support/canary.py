"""What an attacker would like to have called: leaves a file behind."""

import os
from pathlib import Path
from typing import Any


def sing(*args: Any, **kwargs: Any) -> None:
    Path(os.environ["QBRAIN_HOME"], "canary").touch()


class Egg:
    """Sings when it is unpickled."""

    def __reduce__(self) -> Any:
        return sing, ()
