from datetime import UTC, datetime, timedelta

from app.panels.feed import Feed
from jobs import JobEvent

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def event(seq: int, type_: str, attempt: int = 1, **payload: object) -> JobEvent:
    return JobEvent(seq, "j", attempt, START + timedelta(seconds=seq), type_, payload)


def test_feed_keeps_stages_in_order_and_their_newest_share():
    feed = Feed()
    feed.absorb([event(1, "stage", name="load"), event(2, "stage", name="fit", fraction=0.1)])
    feed.absorb([event(3, "stage", name="fit", fraction=0.7, detail="x")])
    assert [(s.name, s.fraction, s.detail) for s in feed.stages] == [("load", None, ""), ("fit", 0.7, "x")]
    assert feed.stages[1].began == START + timedelta(seconds=2)
    assert feed.after == 3


def test_feed_gathers_metrics_of_one_step_from_several_events():
    feed = Feed()
    feed.absorb(
        [
            event(1, "metric", step=0, values={"train.l2": 1.0}, total=9),
            event(2, "metric", step=0, values={"valid.l2": 2.0}),
        ]
    )
    assert feed.history().rows() == [(0, 1.0, 2.0)]
    assert feed.total == 9
    assert feed.metrics() == ["l2"]


def test_feed_best_is_smallest_for_a_loss_and_largest_otherwise_and_the_first_of_equals():
    feed = Feed()
    values = [(0.9, 0.01), (0.7, 0.05), (0.7, 0.05), (0.8, 0.02)]
    feed.absorb(event(i, "metric", step=i, values={"valid.l2": a, "valid.ic": b}) for i, (a, b) in enumerate(values))
    assert feed.best("l2") == 1
    assert feed.best("ic") == 1
    assert feed.best("auc") is None


def test_feed_of_a_new_attempt_starts_again_but_keeps_the_log():
    feed = Feed()
    feed.absorb(
        [event(1, "metric", step=0, values={"valid.l2": 1.0}), event(2, "log", message="first", level="warning")]
    )
    feed.absorb([event(3, "stage", attempt=2, name="load"), event(4, "log", attempt=2, message="second")])
    assert feed.history().is_empty()
    assert [s.name for s in feed.stages] == ["load"]
    assert [(line.attempt, line.level, line.message) for line in feed.log] == [
        (1, "warning", "first"),
        (2, "info", "second"),
    ]


def test_feed_history_before_any_metric_has_only_steps():
    assert Feed().history().columns == ["step"]
