"""Three places that remember what reads made: this process, Redis, the local disk. Keys hold data versions."""

from lake.cache.counts import LevelFigures
from lake.cache.keys import Key
from lake.cache.levels import LakeCache

__all__ = ["Key", "LakeCache", "LevelFigures"]
