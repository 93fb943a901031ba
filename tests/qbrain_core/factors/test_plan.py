from collections.abc import Mapping

from qbrain_core.factors import alpha158, parse
from qbrain_core.factors.plan import Stage, make_plan
from qbrain_core.factors.tree import Call, Field, format


def _plan(**texts: str) -> list[Stage]:
    return make_plan({name: parse(text) for name, text in texts.items()})


def _made(stage: Stage) -> list[str]:
    return sorted(o if isinstance(o, str) else format(o) for outputs in stage.outputs.values() for o in outputs)


def _peak(stage: Stage) -> int:
    # arrays alive at once; each must be made before it is read and freed after its last reader
    alive, most = set(stage.inputs.values()), 0
    for step in stage.passes:
        assert alive.issuperset(a for a in step.arguments if isinstance(a, int))
        alive.update(step.gives)
        most = max(most, len(alive))
        assert alive.issuperset(step.frees)
        alive.difference_update(step.frees)
    return most


def test_make_plan_without_crossings_has_one_stage_and_shares_parts() -> None:
    (stage,) = _plan(A="Mean($close, 5)/$close", B="Std($close, 5)", C="Mean($close, 5)")
    assert _made(stage) == ["A", "B", "C"]
    assert [len(step.gives) for step in stage.passes] == [2, 1], "mean and deviation in one pass, then the division"


def test_make_plan_crossings_stand_between_stages_by_depth() -> None:
    first, second, third = _plan(
        A="CSRank(Mean(CSRank($close/$open), 5))", B="CSRank($volume) - CSRank($close/$open)", C="$open"
    )
    assert _made(first) == ["$close / $open"]
    assert [format(c.call) for c in first.crossings] == ["CSRank($close / $open)", "CSRank($volume)"]
    assert _made(second) == ["Mean(CSRank($close / $open), 5)"]
    assert _made(third) == ["A", "B", "C"]
    assert not third.crossings


def test_make_plan_columns_are_forgotten_after_their_last_reader() -> None:
    stages = _plan(A="CSRank(Mean(CSRank($close), 5))", B="$open", C="CSRank($close)")
    spent = [sorted(format(c) for c in stage.spent) for stage in stages]
    assert spent == [["$close"], [], ["$open", "CSRank($close)", "CSRank(Mean(CSRank($close), 5))"]]


def test_make_plan_arguments_of_crossings_are_freed_by_the_last_of_them() -> None:
    first, _ = _plan(A="CSRank($close/$open)", B="CSZScore($close/$open)", C="CSScale($close - $open)")
    freed = [[format(a) for a in c.frees if isinstance(a, Call | Field)] for c in first.crossings]
    assert freed == [[], ["$close / $open"], ["$close - $open"]]


def test_make_plan_regressors_are_told_apart_from_groups() -> None:
    first, _ = _plan(A="CSNeutralize($close, $industry, Log($volume), Ref($sector, 1))")
    assert first.crossings[0].compute.keywords == {"groups": (True, False, True)}  # type: ignore[attr-defined]


def test_make_plan_report_periods_are_left_to_their_kernel() -> None:
    (stage,) = _plan(A="P(Mean($$roe, 4)) / $close", B="PRef($$roe, 202003)")
    whole, dated = (p for p in stage.passes if not any(isinstance(a, int) for a in p.arguments))
    assert [format(a) for a in whole.arguments] == ["Mean($$roe, 4)"]
    assert dated.arguments[1] == 202003
    assert [format(c) for c in stage.inputs] == ["$close"]


def test_make_plan_keeps_few_arrays_of_alpha158_alive() -> None:
    roots: Mapping[str, str] = alpha158()
    (stage,) = _plan(**roots)
    assert _peak(stage) <= 45
    assert len(stage.passes) < 320
