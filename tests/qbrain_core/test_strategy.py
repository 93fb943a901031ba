import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbrain_core.strategy import Decision, topk_dropout

NAN = float("nan")


def decide(scores: list[float], held: list[int], **rules: object) -> Decision:
    return topk_dropout(np.array(scores), held, **({"topk": 2, "n_drop": 1} | rules))  # type: ignore[arg-type]


def test_topk_dropout_nothing_held_buys_the_best() -> None:
    assert decide([0.1, 0.4, NAN, 0.3], []) == Decision(buy=(1, 3))


def test_topk_dropout_better_name_replaces_the_worst_held() -> None:
    assert decide([0.1, 0.4, 0.2, 0.3], [1, 0]) == Decision(sell=(0,), buy=(3,))


def test_topk_dropout_held_names_are_the_best_does_nothing() -> None:
    assert decide([0.1, 0.4, 0.2, 0.3], [1, 3]) == Decision()


def test_topk_dropout_held_without_score_goes_first() -> None:
    assert decide([NAN, 0.4, 0.2, 0.3], [0, 2]) == Decision(sell=(0,), buy=(1,))


def test_topk_dropout_no_scores_decides_nothing() -> None:
    assert decide([NAN, NAN], [0]) == Decision()


def test_topk_dropout_no_drop_keeps_everything() -> None:
    assert decide([0.1, 0.4, 0.2], [0, 2], n_drop=0) == Decision()


def test_topk_dropout_locked_name_frees_no_slot() -> None:
    assert decide([0.1, 0.4, 0.2, 0.3], [1, 0], locked={0}) == Decision()


def test_topk_dropout_barred_name_is_not_bought() -> None:
    assert decide([0.1, 0.4, 0.2, 0.3], [], barred={1}) == Decision(buy=(3, 2))


def test_topk_dropout_more_held_than_wanted_sells_and_buys_nothing() -> None:
    assert decide([0.1, 0.2, 0.3, 0.4, 0.5], [0, 1, 2, 3]) == Decision(sell=(0,))


def test_topk_dropout_equal_scores_take_the_lower_column() -> None:
    assert decide([0.2, 0.2, 0.2], []) == Decision(buy=(0, 1))


@given(
    scores=st.lists(st.floats(-1, 1) | st.just(NAN), min_size=1, max_size=30),
    held=st.sets(st.integers(0, 29), max_size=12),
    topk=st.integers(1, 10),
    drop=st.integers(0, 10),
)
def test_topk_dropout_any_input_obeys_its_rules(scores: list[float], held: set[int], topk: int, drop: int) -> None:
    owned = sorted(c for c in held if c < len(scores))
    decision = decide(scores, owned, topk=topk, n_drop=min(drop, topk))
    assert set(decision.sell) <= set(owned)
    assert len(decision.sell) <= min(drop, topk)
    assert not set(decision.buy) & set(owned)
    assert np.isfinite([scores[c] for c in decision.buy]).all()
    if decision.buy:
        assert len(owned) - len(decision.sell) + len(decision.buy) <= topk


class _OpenExchange:
    # an exchange where everything trades at 10, so that only Qlib's choice of names is left

    def is_stock_tradable(self, **_: object) -> bool:
        return True

    def check_order(self, _: object) -> bool:
        return True

    def deal_order(self, order: object, position: object) -> tuple[float, float, float]:
        return 0.0, 0.0, 10.0

    def get_deal_price(self, **_: object) -> float:
        return 10.0

    def get_factor(self, **_: object) -> float:
        return 1.0

    def round_amount_by_trade_unit(self, amount: float, factor: float) -> float:
        return amount


class _Calendar:
    def get_trade_step(self) -> int:
        return 1

    def get_step_time(self, *_: object, **__: object) -> tuple[pd.Timestamp, pd.Timestamp]:
        return pd.Timestamp("2024-01-02"), pd.Timestamp("2024-01-02")

    def get_freq(self) -> str:
        return "day"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_topk_dropout_random_scores_choose_what_qlib_chooses(seed: int) -> None:
    pytest.importorskip("qlib")
    from qlib.backtest.position import Position
    from qlib.contrib.strategy import TopkDropoutStrategy

    class Qlib(TopkDropoutStrategy):  # type: ignore[misc]
        trade_calendar = _Calendar()
        trade_exchange = _OpenExchange()
        trade_position = None

        def __init__(self, scores: pd.Series, position: object) -> None:
            super().__init__(topk=8, n_drop=3, signal=scores.to_frame("score"))
            self.signal = type("Signal", (), {"get_signal": lambda *_, **__: scores})()
            self.trade_position = position

    rng = np.random.default_rng(seed)
    names = [f"N{c:02d}" for c in range(40)]
    held: list[int] = []
    for _ in range(40):
        scores = rng.normal(size=40)
        scores[rng.random(40) < 0.1] = np.nan
        position = Position(cash=1e6, position_dict={names[c]: {"amount": 10.0, "price": 10.0} for c in held})
        for c in held:
            position.position[names[c]]["count_day"] = 5
        known = pd.Series(scores, index=pd.Index(names, name="instrument")).dropna()
        orders = Qlib(known, position).generate_trade_decision().get_decision()
        decision = topk_dropout(scores, held, topk=8, n_drop=3)
        assert {o.stock_id for o in orders if o.direction == 0} == {names[c] for c in decision.sell}
        assert {o.stock_id for o in orders if o.direction == 1} == {names[c] for c in decision.buy}
        held = sorted(set(held) - set(decision.sell) | set(decision.buy))
