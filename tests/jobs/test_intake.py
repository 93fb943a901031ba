import pytest

from jobs.intake import in_order, read_submission
from qbrain_core.errors import InvalidInputError
from qbrain_core.specs import FactorsSpec, IngestSpec

TWO = """
kind: ingest
name: bars
path: data/bars.csv
market: US
adjustments: {path: ../adjust.csv}
---
kind: factors
market: US
after: [bars]
"""


def factors(name, *after):
    return FactorsSpec(name=name, market="US", after=after)


def names(ordered):
    return [spec.name for spec, _, _ in ordered]


def test_file_gives_its_specs_with_paths_relative_to_itself(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "specs"
    folder.mkdir()
    (folder / "main.yaml").write_text(TWO)
    for submission in (folder / "main.yaml", str(folder / "main.yaml"), "specs/main.yaml"):
        (bars, after), single = read_submission(submission, settings=settings)
        assert not single
        assert bars.path == str(folder / "data/bars.csv")
        assert bars.adjustments.path == str(folder / "../adjust.csv")
        assert after.after == ("bars",)


def test_text_dict_and_object_are_single_unless_there_are_several(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for submission in (
        "kind: ingest\npath: x.csv\nmarket: US", "{kind: ingest, path: x.csv, market: US}",
        {"kind": "ingest", "path": "x.csv", "market": "US"}, IngestSpec(path="x.csv", market="US"),
    ):  # fmt: skip
        (spec,), single = read_submission(submission, settings=settings)
        assert single
        assert spec.path == str(tmp_path / "x.csv")
    assert read_submission(TWO, settings=settings)[1] is False
    assert read_submission([IngestSpec(path="x.csv", market="US")], settings=settings)[1] is False


def test_owner_is_the_callers_then_the_specs_then_the_settings(settings):
    mine = settings.model_copy(update={"owner": "ann"})
    spec = {"kind": "factors", "market": "US"}
    assert read_submission(spec, settings=mine)[0][0].owner == "ann"
    assert read_submission(spec | {"owner": "bob"}, settings=mine)[0][0].owner == "bob"
    assert read_submission(spec | {"owner": "bob"}, settings=mine, owner="eve")[0][0].owner == "eve"


@pytest.mark.parametrize(
    ("submission", "sentence"),
    [
        ("no/such.yaml", "there is no such file"), ("kind: ingest\npath: [", "not valid YAML"),
        ("kind: ingest\npath: x\nmarket: US\nfoo: 1", "there is no such field"),
        ({"kind": "igest"}, "a spec is one of"),
    ],
)  # fmt: skip
def test_submission_that_is_none_is_refused_in_a_sentence(settings, submission, sentence):
    with pytest.raises(InvalidInputError, match=sentence):
        read_submission(submission, settings=settings)


def test_folder_is_no_spec(settings, tmp_path):
    with pytest.raises(InvalidInputError, match="cannot be read"):
        read_submission(tmp_path, settings=settings)


def test_specs_follow_what_they_come_after():
    ordered = in_order([factors("c", "b", "a"), factors("b", "a"), factors("a", "0123456789abcdef0123")])
    assert names(ordered) == ["a", "b", "c"]
    assert ordered[0][2] == ["0123456789abcdef0123"]
    assert [p.name for p in ordered[2][1]] == ["b", "a"]


def test_circle_and_double_name_are_refused():
    with pytest.raises(InvalidInputError, match="circle"):
        in_order([factors("a", "b"), factors("b", "a")])
    with pytest.raises(InvalidInputError, match="circle"):
        in_order([factors("a", "a")])
    with pytest.raises(InvalidInputError, match="2 jobs of this file"):
        in_order([factors("a"), factors("a"), factors("b", "a")])
    assert len(in_order([factors("a"), factors("a")])) == 2


def test_values_of_a_file_are_set(settings, tmp_path):
    (tmp_path / "specs.yaml").write_text("kind: ingest\npath: ${DATA}/{instrument}.csv\nmarket: US\n")
    ((spec,), _) = read_submission(tmp_path / "specs.yaml", settings=settings, values={"DATA": "/data"})
    assert spec.path == "/data/{instrument}.csv"
    ((unset,), _) = read_submission(tmp_path / "specs.yaml", settings=settings)
    assert unset.path.endswith("${DATA}/{instrument}.csv")  # told when the job is identified
