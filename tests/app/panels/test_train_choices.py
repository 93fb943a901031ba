from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.panels.train_choices import (
    INFER_PROCESSORS,
    LEARN_PROCESSORS,
    Choices,
    default_segments,
    estimate_rows,
    purge_gaps,
    specs_of,
)
from qbrain_core.errors import InvalidInputError
from qbrain_core.models import validate_processors
from qbrain_core.specs import Segment

SEGMENTS = {
    "train": (date(2018, 1, 2), date(2022, 12, 30)),
    "valid": (date(2023, 1, 3), date(2023, 12, 29)),
    "test": (date(2024, 1, 2), date(2025, 12, 31)),
}
CHOICES = Choices(market="DEMO", register_as="demo", segments=SEGMENTS, compute_factors=True)


def weekdays(first: date, n: int) -> list[date]:
    days = (first + timedelta(days=i) for i in range(2 * n + 7))
    return [d for d in days if d.weekday() < 5][:n]


def test_specs_of_links_factors_to_tear_sheet():
    batch = specs_of(CHOICES)
    assert [s.kind for s in batch] == ["factors", "train", "predict", "backtest"]
    assert [s.after for s in batch] == [(), ("demo-factors",), ("demo-train",), ("demo-predict",)]
    assert batch[2].model.name == batch[3].model.name == "demo"


def test_specs_of_a_training_alone():
    batch = specs_of(replace(CHOICES, trading=None, compute_factors=False))
    assert [(s.kind, s.after) for s in batch] == [("train", ())]


def test_specs_of_offers_only_processors_the_training_takes():
    choices = replace(CHOICES, infer_processors=list(INFER_PROCESSORS), learn_processors=list(LEARN_PROCESSORS))
    validate_processors(specs_of(choices)[1].dataset)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"register_as": "no spaces please"}, "register_as"),
        ({"segments": {**SEGMENTS, "valid": SEGMENTS["train"]}}, "segments overlap"),
        ({"embargo_sessions": -1}, "embargo_sessions"),
    ],
)
def test_specs_of_a_mistake_is_one_sentence(change, word):
    with pytest.raises(InvalidInputError, match=word):
        specs_of(replace(CHOICES, **change))


def test_default_segments_of_many_years_turn_with_the_year():
    found = default_segments(weekdays(date(2018, 1, 1), 8 * 261))
    assert found["valid"][0].year == found["valid"][1].year == 2023
    assert found["test"][0] == date(2024, 1, 1)


@given(st.integers(3, 3000))
def test_default_segments_cover_all_sessions_without_overlap(n):
    sessions = weekdays(date(2015, 3, 4), n)
    spans = list(default_segments(sessions).values())
    inside = [s for a, b in spans for s in sessions if a <= s <= b]
    assert inside == sessions


@pytest.mark.parametrize(("purge", "embargo"), [(0, 0), (2, 0), (5, 3), (0, 4)])
def test_purge_gaps_are_what_the_dataset_drops(purge, embargo):
    from qbrain_core.dataset import purged_segments

    sessions = weekdays(date(2018, 1, 1), 8 * 261)
    spans = default_segments(sessions)
    asked = {n: Segment(start=a, end=b) for n, (a, b) in spans.items()}
    kept = purged_segments(sessions, asked, purge=purge, embargo=embargo)
    used = {s for span in kept.values() for s in sessions if span.start <= s <= span.end}
    gaps = purge_gaps(sessions, spans, purge=purge, embargo=embargo)
    dropped = {s for a, b in gaps for s in sessions if a <= s <= b}
    assert dropped == set(sessions) - used


def test_estimate_rows_counts_sessions_inside_a_segment():
    sessions = weekdays(date(2024, 1, 1), 10)
    assert estimate_rows(sessions, {"train": (sessions[0], sessions[3]), "test": (sessions[8], sessions[9])}, 50) == 300
