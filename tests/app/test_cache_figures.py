from app.cache_figures import exposition, hit_rates
from lake.cache import LevelFigures

LEVELS = [
    LevelFigures("memory", 9, 1, 1, 0, 0, entries=1, size_bytes=100, bound_bytes=1000),
    LevelFigures("redis", 0, 0, 0, 0, 0, entries=None, size_bytes=None, bound_bytes=64),
]


def test_exposition_says_every_number_it_knows():
    text = exposition(LEVELS).decode()
    assert 'qbrain_cache_hits_total{level="memory"} 9.0' in text
    assert 'qbrain_cache_size_bytes{level="memory"} 100.0' in text
    assert 'qbrain_cache_bound_bytes{level="redis"} 64.0' in text
    assert 'qbrain_cache_size_bytes{level="redis"}' not in text
    assert "# TYPE qbrain_cache_hits_total counter" in text or "# TYPE qbrain_cache_hits counter" in text


def test_hit_rates_come_back():
    assert hit_rates(exposition(LEVELS).decode()) == {"memory": (9, 10), "redis": (0, 0)}
    assert hit_rates("") == {}


def test_hit_rate_of_nothing_asked_is_unknown():
    assert [level.hit_rate for level in LEVELS] == [0.9, None]
