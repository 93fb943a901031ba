"""What is refused, what is found again, what is a new job; nothing of it needs a worker or Redis."""

import json
import time
from datetime import date

import polars as pl
import pytest
from sqlalchemy import select

import jobs
from jobs.tasks import TASKS
from lake.records import open_records
from lake.records.models import JobRow
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.factors import FACTOR_SETS
from qbrain_core.specs import parse_spec

SESSIONS = [date(2024, 1, day) for day in range(2, 31)]
SEGMENTS = {
    "train": {"start": "2024-01-02", "end": "2024-01-10"}, "valid": {"start": "2024-01-11", "end": "2024-01-15"},
    "test": {"start": "2024-01-16", "end": "2024-01-30"},
}  # fmt: skip


@pytest.fixture(scope="module")
def filled(tmp_path_factory, place):
    with place() as fields:
        yield fill(tmp_path_factory.mktemp("filled") / "home", fields)


def fill(home, fields):
    """Give settings whose lake has two US names, a universe and the alpha158 table."""
    from lake import open_lake
    from lake.tables import factor_table
    from qbrain_core.settings import Settings

    settings = Settings(env="test", home=home, **fields)
    settings.make_home()
    lake = open_lake(settings)
    names = ["AAA.US", "SPY.US"]
    rows = pl.DataFrame({"instrument": names}).join(pl.DataFrame({"session": SESSIONS}), how="cross")
    bars = rows.with_columns(
        market=pl.lit("US"), open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0, amount=1.0, factor=1.0,
        halted=False, limit_up=pl.lit(None, pl.Float64), limit_down=pl.lit(None, pl.Float64),
        special_treatment=pl.lit(None, pl.Boolean), price_basis=pl.lit("raw"),
    )  # fmt: skip
    universe = pl.DataFrame(
        {
            "universe": ["big", "old"], "instrument": ["AAA.US", "AAA.US"], "start": [SESSIONS[0]] * 2,
            "end": [None, SESSIONS[4]],
        }
    )  # fmt: skip
    factors = FACTOR_SETS["alpha158"]
    table = factor_table("alpha158", factors.digest, tuple(factors.expressions))
    values = rows.with_columns(pl.lit(0.5, pl.Float32).alias(name) for name in factors.expressions)
    with lake.commit("seed", 1) as transaction:
        transaction.upsert("bars", bars)
        transaction.upsert("universes", universe.cast({"end": pl.Date}))
        transaction.upsert(table, values.with_columns(market=pl.lit("US")))
    return settings


def train(**fields):
    dataset = {"market": "US", "universe": "big", "segments": SEGMENTS} | fields.pop("dataset", {})
    return {"kind": "train", "register_as": "m", "dataset": dataset} | fields


def n_jobs(settings) -> int:
    return len(jobs.jobs(limit=1000, settings=settings))


WRONG = {
    "a typo in a field": (train(registeras="m"), "registeras .* did you mean 'register_as'"),
    "an unknown model": (train(model={"family": "lightgmb"}), "model.family is 'lightgmb'.*did you mean 'lightgbm'"),
    "an unknown parameter": (train(model={"params": {"num_leafs": 3}}), "num_leafs.*did you mean"),
    "an unknown factor set": (train(dataset={"factor_set": "alpha1588"}), "did you mean 'alpha158'"),
    "a label that is none": (train(dataset={"label": "Ref($close"}), "dataset.label"),
    "a segment outside the data": (
        train(dataset={"segments": SEGMENTS | {"test": {"start": "2031-01-01", "end": "2032-01-01"}}}),
        "dataset.segments.test is '2031-01-01 to 2032-01-01', but market US has bars from 2024-01-02 to 2024-01-30",
    ),
    "a segment that starts before the data": (
        train(dataset={"segments": SEGMENTS | {"train": {"start": "2010-01-04", "end": SEGMENTS["train"]["end"]}}}),
        "dataset.segments.train is '2010-01-04 to .*', but market US has bars from 2024-01-02",
    ),
    "an unknown universe": (train(dataset={"universe": "bg"}), "dataset.universe is 'bg'.*did you mean 'big'"),
    "a universe that is empty": (
        train(dataset={"universe": "old"}), "dataset.universe is 'old', but it has no member between 2024-01-11 and",
    ),
    "a market without bars": ({"kind": "factors", "market": "HK"}, "market is 'HK'.*no bars"),
    "a file that is missing": ({"kind": "ingest", "path": "/no/such.csv", "market": "US"}, "there is no such file"),
    "a model without predictions": ({"kind": "backtest", "model": {"name": "m"}}, "m.*no predictions"),
    "an unknown model to predict with": ({"kind": "predict", "model": {"name": "nobody"}}, "nobody"),
    "an unknown job before it": ({"kind": "factors", "market": "US", "after": ["first"]}, "after is 'first'"),
    "an unknown pinned table": ({"kind": "factors", "market": "US", "pins": {"bras": 1}}, "bras"),
    "a range without sessions": ({"kind": "factors", "market": "US", "start": "2025-01-01"}, "start|2025"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_spec_is_refused_in_a_sentence_and_nothing_is_queued(filled, case):
    document, sentence = WRONG[case]
    good = {"kind": "factors", "market": "US", "start": "2024-01-03"}
    with pytest.raises(InvalidInputError, match=sentence) as refused:
        jobs.submit([good, document], settings=filled)
    assert "\n" not in str(refused.value)
    assert n_jobs(filled) == 0


def test_factor_set_not_computed_on_the_market_is_refused(settings):
    from lake import open_lake

    bars = pl.DataFrame(
        {
            "instrument": "600000.SH", "session": SESSIONS, "market": "CN", "open": 1.0, "high": 1.0, "low": 1.0,
            "close": 1.0, "factor": 1.0, "halted": False, "price_basis": "raw",
        }
    )  # fmt: skip
    with open_lake(settings).commit("seed", 1) as transaction:
        transaction.upsert("bars", bars)
    alone = train(dataset={"market": "CN", "universe": None})
    with pytest.raises(InvalidInputError, match="has not been computed on market CN; run a factors job first"):
        jobs.submit(alone, settings=settings)
    chain = [{"kind": "factors", "name": "f", "market": "CN"}, alone | {"after": ["f"]}]
    assert [j.status for j in jobs.submit(chain, settings=settings)] == ["queued", "waiting"]


def test_unknown_benchmark_is_refused(filled):
    chain = [
        train(name="t"), {"kind": "predict", "name": "p", "model": {"name": "m"}, "after": ["t"]},
        {"kind": "backtest", "model": {"name": "m"}, "after": ["p"], "benchmark": "SPX.US"},
    ]  # fmt: skip
    with pytest.raises(UnknownNameError, match=r"benchmark is 'SPX\.US'"):
        jobs.submit(chain, settings=filled)
    with pytest.raises(InvalidInputError, match="a predict job of this model has to come between"):
        jobs.submit([chain[0], chain[2] | {"after": ["t"], "benchmark": ""}], settings=filled)
    assert n_jobs(filled) == 0


def test_same_spec_is_the_same_job_until_data_changes(filled):
    spec = {"kind": "factors", "market": "US"}
    first = jobs.submit(spec, settings=filled)
    assert (first.status, first.versions) == ("queued", {"bars": first.versions["bars"], "instruments": 0})
    assert jobs.submit(spec | {"name": "by another name"}, settings=filled).id == first.id
    assert jobs.submit(spec | {"end": "2024-01-20"}, settings=filled).id != first.id
    assert jobs.submit(spec | {"owner": "bob"}, settings=filled).id != first.id
    pinned = jobs.submit(spec | {"pins": {"bars": first.versions["bars"]}}, settings=filled)
    assert pinned.id != first.id
    from lake import open_lake

    lake = open_lake(filled)
    with lake.commit("more", 1) as transaction:
        bars = lake.bars(instruments=["AAA.US"], as_of=None).filter(pl.col("session") == SESSIONS[0])
        transaction.upsert("bars", bars.with_columns(close=pl.lit(2.0)))
    changed = jobs.submit(spec, settings=filled)
    assert changed.id != first.id
    assert changed.versions["bars"] == first.versions["bars"] + 1
    assert jobs.submit(spec, settings=filled, force=True).id != changed.id


def test_chain_is_identified_by_the_jobs_that_write_what_it_reads(filled):
    def chain(start):
        return [
            {"kind": "factors", "name": "f", "market": "US", "start": start},
            train(name="t", after=["f"]),
            {"kind": "predict", "name": "p", "model": {"name": "m"}, "after": ["t"]},
            {"kind": "backtest", "name": "b", "model": {"name": "m"}, "after": ["p"], "benchmark": "SPY.US"},
        ]

    first = jobs.submit(chain("2024-01-02"), settings=filled)
    assert [j.status for j in first] == ["queued", "waiting", "waiting", "waiting"]
    assert [j.after for j in first] == [[], [first[0].id], [first[1].id], [first[2].id]]
    assert not any(t.startswith("factors/") for t in first[1].versions)  # comes from the job before it
    assert {"bars", "instruments", "universes"} == set(first[2].versions)
    assert "predictions" not in first[3].versions
    assert [j.id for j in jobs.submit(chain("2024-01-02"), settings=filled)] == [j.id for j in first]
    other = jobs.submit(chain("2024-01-03"), settings=filled)
    assert not {j.id for j in other} & {j.id for j in first}
    # a later submission may come after a job of an earlier one
    alone = jobs.submit({"kind": "predict", "model": {"name": "m"}, "after": [first[1].id]}, settings=filled)
    assert alone.id == first[2].id
    cancelled = jobs.cancel(first[0].id, settings=filled)
    assert cancelled.status == "cancelled"
    assert {jobs.job(j.id, settings=filled).status for j in first} == {"cancelled"}
    with pytest.raises(InvalidInputError, match="that job was cancelled"):
        jobs.submit(train(after=[first[0].id], seed=1), settings=filled)
    revived = jobs.submit(chain("2024-01-02"), settings=filled)
    assert [j.status for j in revived] == ["queued", "waiting", "waiting", "waiting"]


def test_ingest_is_identified_by_what_is_in_the_file(filled, tmp_path):
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("a")
    spec = {"kind": "ingest", "market": "US", "path": str(one)}
    first = jobs.submit(spec, settings=filled)
    assert jobs.submit(spec, settings=filled).id == first.id
    one.write_text("b")
    assert jobs.submit(spec, settings=filled).id != first.id
    two.write_text("a")
    assert jobs.submit(spec | {"path": str(two)}, settings=filled).id != first.id


def test_lookups_of_what_is_not_there_say_so(filled):
    for call in (jobs.job, jobs.cancel, jobs.retry, jobs.events):
        with pytest.raises(UnknownNameError):
            call("ffffffffffffffffffff", settings=filled)
    with pytest.raises(UnknownNameError, match="queued"):
        jobs.jobs(status="queueing", settings=filled)


def test_list_is_filtered_and_newest_first(filled):
    found = jobs.jobs(settings=filled)
    assert [j.created_at for j in found] == sorted((j.created_at for j in found), reverse=True)
    assert {j.kind for j in jobs.jobs(kind="train", settings=filled)} == {"train"}
    assert {j.owner for j in jobs.jobs(owner="bob", settings=filled)} == {"bob"}
    assert len(jobs.jobs(limit=2, settings=filled)) == 2
    json.dumps(found[0].as_dict(), default=str)


def test_wait_gives_up_in_time(filled):
    job = jobs.jobs(status="queued", settings=filled)[0]
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="still queued"):
        jobs.wait(job.id, timeout_s=0.2, settings=filled)
    assert time.monotonic() - started < 5


def test_only_an_ended_job_is_tried_again(filled):
    job = jobs.jobs(status="queued", settings=filled)[0]
    with pytest.raises(InvalidInputError, match="it is queued"):
        jobs.retry(job.id, settings=filled)


@pytest.fixture
def probe(settings, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(__import__("pathlib").Path(__file__).parents[1] / "support"))
    monkeypatch.setitem(TASKS, "ingest", "probe_task")

    def spec(*steps):
        path = tmp_path / "steps.json"
        path.write_text(json.dumps(steps))
        return parse_spec({"kind": "ingest", "path": str(path), "market": "US"})

    return spec


def test_run_does_the_job_here_without_redis(settings, probe):
    spec = probe(["stage", "read", 0.5], ["sleep", 0.1], ["give", {"when": "2024-01-02", "n": 3}])
    done = jobs.run(spec, settings=settings)
    assert (done.status, done.result["value"]) == ("succeeded", {"when": "2024-01-02", "n": 3})
    assert done.worker.startswith("here-")
    assert jobs.run(spec, settings=settings).attempt == 1  # found, not run again
    (told,) = jobs.events(done.id, settings=settings)  # from the record: there is no Redis
    assert told.payload["status"] == "succeeded"


def test_run_that_fails_says_why(settings, probe):
    done = jobs.run(probe(["invalid"]), settings=settings)
    assert (done.status, done.error) == ("failed", "path is 'x.csv', but nothing in it can be used")
    again = jobs.run(probe(["invalid"]), settings=settings)
    assert again.attempt == 2


def test_run_takes_over_what_a_dead_process_had_begun(settings, probe):
    quick = settings.model_copy(update={"lease_s": 0.5})
    spec = probe(["give", 1])
    records = open_records(quick)
    job = jobs.submit(spec, settings=quick)
    from jobs import transitions

    assert transitions.claim(records, job.id, queue=None, worker="dead", lease_s=0.5) == 1
    done = jobs.run(spec, settings=quick)
    assert (done.status, done.attempt) == ("succeeded", 2)
    with records.read() as session:
        assert session.scalars(select(JobRow)).one().takeovers_left == 1
