"""Jobs in tables, chains, stage bars and time lines."""

from datetime import UTC, datetime, timedelta

from app.panels.chain import family_of
from app.panels.feed import Feed, Stage
from app.panels.job_table import elapsed_s, jobs_frame
from app.panels.job_time import time_line
from app.panels.stage_bar import Step, stage_bar
from app.panels.training_table import trainings_frame
from app.panels.wording import STAGES, STAGES_OF
from jobs import Attempt, Job, JobStatus
from qbrain_core.specs import SPEC_KINDS

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def job(id_: str, status: str = "running", *, kind: str = "train", after: tuple[str, ...] = (), **more: object) -> Job:
    fields = {
        "name": id_, "queue": "train", "owner": "local", "visibility": "private", "spec": {}, "versions": {},
        "code_hash": "x", "result": None, "error": None, "hint": None, "attempt": 1,
        "created_at": NOW - timedelta(seconds=90), "started_at": NOW - timedelta(seconds=60), "finished_at": None,
        "worker": "w", "peak_rss_mib": None, "cancel_requested": False,
    } | more  # fmt: skip
    return Job(id=id_, kind=kind, status=JobStatus(status), after=list(after), **fields)


def say(text: str, **values: object) -> str:
    return text.format(**values) if values else text


def test_jobs_frame_shows_progress_only_while_running():
    frame = jobs_frame([job("a", progress=0.5), job("b", "succeeded", progress=0.5, finished_at=NOW)], NOW)
    assert frame["progress"].to_list() == [0.5, None]
    assert frame["elapsed"].to_list() == ["1m 00s", "1m 00s"]
    assert jobs_frame([]).columns == frame.columns


def test_elapsed_before_the_start_is_unknown():
    assert elapsed_s(job("a", "queued", started_at=None)) is None


def test_trainings_frame_takes_figures_from_the_test_segment():
    result = {"version": 3, "best_iteration": 12, "metrics": {"train": {"rank_ic": 0.2}, "test": {"rank_ic": 0.04}}}
    frame = trainings_frame([job("a", "succeeded", result=result), job("b")], NOW)
    assert frame["rank_ic"].to_list() == [0.04, None]
    assert frame["version"].to_list() == [3, None]


def test_family_of_a_training_runs_from_factors_to_backtest():
    known = [
        job("backtest", "waiting", kind="backtest", after=("predict",)), job("other"),
        job("predict", "waiting", kind="predict", after=("train",)), job("factors", "succeeded", kind="factors"),
        job("train", after=("factors",)),
    ]  # fmt: skip
    assert [j.id for j in family_of(known[4], known)] == ["factors", "train", "predict", "backtest"]
    assert [j.id for j in family_of(known[1], known)] == ["other"]


def test_steps_put_an_unknown_stage_where_it_came():
    from app.panels.monitor import steps

    feed = Feed(stages=[Stage("load", NOW), Stage("shuffle", NOW), Stage("process", NOW, 0.25)])
    made = steps(job("a"), feed)
    assert [s.label for s in made[:3]] == [STAGES["load"], "shuffle", STAGES["process"]]
    assert [s.state for s in made] == ["done", "done", "now", "next", "next", "next", "next"]
    assert made[2].share == 0.25


def test_steps_of_a_failed_job_end_at_the_stage_that_failed():
    from app.panels.monitor import steps

    feed = Feed(stages=[Stage("load", NOW), Stage("process", NOW), Stage("fit", NOW)])
    assert [s.state for s in steps(job("a", "failed", finished_at=NOW), feed)] == [
        "done",
        "done",
        "failed",
        *["next"] * 3,
    ]


def test_every_kind_of_job_has_stages_with_words():
    assert set(STAGES_OF) == set(SPEC_KINDS)
    assert {stage for stages in STAGES_OF.values() for stage in stages} <= set(STAGES)


def test_stage_bar_escapes_and_writes_the_share():
    html = stage_bar([Step("<b>", "now", 0.5, "3 of 6"), Step("x", "next")])
    assert "&lt;b&gt;" in html
    assert "50% · 3 of 6" in html
    assert "width:50.0%" in html


def test_time_line_has_a_bar_for_the_wait_and_for_each_attempt():
    attempts = [
        Attempt("a", 1, "w", NOW - timedelta(seconds=60), NOW - timedelta(seconds=40), "retried", "<lost>", None),
        Attempt("a", 2, "w", NOW - timedelta(seconds=30), None, None, None, None),
    ]
    html = time_line(job("a", attempt=2), attempts, say, NOW)
    assert html.count("qb-track") == 3
    assert "&lt;lost&gt;" in html
    assert "margin-left:33.33%" in html
