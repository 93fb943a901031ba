import pytest

from app.command_palette.entries import Entry, find, latest, score

MOUTAI = Entry(
    "instrument", "/instrument?id=600519.SH", "show_chart", "600519.SH", "Kweichow Moutai",
    words=("600519", "SH600519", "贵州茅台", "GZMT"),
)  # fmt: skip
TRAINING = Entry("page", "/training", "model_training", "Training", words=("Training", "训练", "XL"))
SETTINGS = Entry("page", "/settings", "tune", "Settings", words=("Settings", "设置", "SZ"))
RUN = Entry("run", "/backtest?run=ab12", "monitoring", "alpha158-top50", "lgbm v3", words=("ab12",))
OLDER = Entry("run", "/backtest?run=cd34", "monitoring", "top50", "ridge v1", words=("cd34",))
MODEL = Entry("model", "/model?name=lgbm", "deployed_code", "lgbm", "v3 · champion")
JOB = Entry("job", "/job?id=ef56", "task", "lgbm", "Training · 2025-01-02", words=("ef56", "train"))


@pytest.mark.parametrize(
    ("entry", "text", "expected"),
    [
        (MOUTAI, "600519", 0),
        (MOUTAI, "sh600519", 0),
        (MOUTAI, "gzmt", 0),
        (MOUTAI, "ＧＺＭＴ", 0),
        (MOUTAI, "贵州", 1),
        (MOUTAI, "Moutai", 2),
        (MOUTAI, "外", None),
        (TRAINING, "训练", 0),
        (TRAINING, " train ", 1),
        (TRAINING, "raini", 3),
        (RUN, "top", 2),
        (RUN, "lgbm", 2),
        (RUN, "AB12", 0),
        (RUN, "lgbm top50", 4),
        (RUN, "lgbm top51", None),
    ],
)
def test_score_grows_with_the_distance_from_the_text(entry, text, expected):
    assert score(entry, text) == expected


def test_find_puts_the_kind_with_the_best_match_first():
    longer = Entry("model", "/model?name=lgbm-2", "deployed_code", "lgbm-2")
    assert find([], [RUN, longer], "lgbm") == [longer, RUN]
    assert find([MOUTAI], [TRAINING], "训练")[0] == TRAINING


def test_find_of_equal_matches_puts_instruments_before_pages():
    named_so = Entry("instrument", "/instrument?id=X", "show_chart", "X", words=("SZ",))
    assert find([named_so], [SETTINGS], "sz") == [named_so, SETTINGS]


def test_find_within_a_kind_puts_the_better_match_first_and_keeps_the_order_of_equals():
    newer = Entry("run", "/backtest?run=1", "monitoring", "top50", "lgbm v4")
    assert find([], [RUN, newer, OLDER], "top50") == [newer, OLDER, RUN]


def test_find_keeps_every_instrument_the_lake_found_in_its_order():
    other = Entry("instrument", "/instrument?id=Y", "show_chart", "Y", "found by what only the lake knows")
    assert find([other, MOUTAI], [], "600519") == [other, MOUTAI]


def test_find_keeps_to_the_limit_of_each_kind():
    many = [Entry("job", f"/job?id={i}", "task", f"lgbm-{i}") for i in range(20)]
    found = find([], [*many, MODEL], "lgbm", limit=5)
    assert [e.kind for e in found] == ["model", *["job"] * 5]
    assert found[1:] == many[:5]


def test_find_without_a_match_is_empty():
    assert find([], [TRAINING, RUN, MODEL, JOB], "zzzz") == []


def test_latest_shows_what_is_new_and_then_every_page():
    pages = [Entry("page", f"/{i}", "tune", f"Page {i}") for i in range(9)]
    runs = [Entry("run", f"/backtest?run={i}", "monitoring", f"run {i}") for i in range(9)]
    assert latest([*pages, *runs, JOB, MODEL], limit=2) == [*runs[:2], MODEL, JOB, *pages]
