"""The cache's hit rates, for machines: the text that Prometheus scrapes, and its way back."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from lake.cache import LevelFigures

__all__ = ["exposition", "hit_rates"]

_COUNTERS = {
    "hits": "Answers the level knew",
    "misses": "Answers it did not know",
    "stored": "Values put into it",
    "evicted": "Values taken out for want of room or for their age",
    "dropped": "Values taken out because a commit replaced them, or because they were damaged",
}
_GAUGES = {"entries": "Values it holds", "size_bytes": "Bytes it holds", "bound_bytes": "Bytes it may hold"}


class _Levels(Collector):
    def __init__(self, levels: Iterable[LevelFigures]) -> None:
        self.levels = list(levels)

    def collect(self) -> Iterable[Metric]:
        for name, sentence in _COUNTERS.items():
            counter = CounterMetricFamily(f"qbrain_cache_{name}", sentence, labels=["level"])
            for level in self.levels:
                counter.add_metric([level.level], getattr(level, name))
            yield counter
        for name, sentence in _GAUGES.items():
            gauge = GaugeMetricFamily(f"qbrain_cache_{name}", sentence, labels=["level"])
            for level in self.levels:
                if getattr(level, name) is not None:
                    gauge.add_metric([level.level], getattr(level, name))
            yield gauge


def exposition(levels: Iterable[LevelFigures]) -> bytes:
    """Write figures as Prometheus reads them.

    Parameters
    ----------
    levels : iterable of LevelFigures

    Returns
    -------
    bytes
        UTF-8 text; what a level does not know of itself is left out.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Levels(levels))
    return bytes(generate_latest(registry))


def hit_rates(text: str) -> dict[str, tuple[int, int]]:
    """Read hits and misses back.

    Parameters
    ----------
    text : str
        What `exposition` wrote.

    Returns
    -------
    dict of str to (int, int)
        Hits and questions by level.
    """
    found: dict[str, dict[str, int]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in ("qbrain_cache_hits_total", "qbrain_cache_misses_total"):
                found.setdefault(sample.labels["level"], {})[sample.name.split("_")[2]] = int(sample.value)
    return {level: (n.get("hits", 0), n.get("hits", 0) + n.get("misses", 0)) for level, n in found.items()}
