import math
from dataclasses import asdict

import pytest

from qbrain_core.factors.explain import Remark, explain
from qbrain_core.factors.expression import FactorSyntaxError


def test_explain_known_expression_says_everything() -> None:
    told = explain("Std($close, 5)/Ref( $close,3 ) + $volume")
    assert told.expression == "Std($close, 5) / Ref($close, 3) + $volume"
    assert told.sentence == (
        "((the standard deviation of close over 5 rows) divided by (close 3 rows earlier)) plus volume"
    )
    assert told.tree.lines() == [
        "+",
        "├─ /",
        "│  ├─ Std(·, 5)",
        "│  │  └─ $close",
        "│  └─ Ref(·, 3)",
        "│     └─ $close",
        "└─ $volume",
    ]
    assert told.reads.fields == {"close", "volume"}
    assert (told.unit, told.is_causal, told.crosses_instruments) == ("pure number", True, False)
    assert (told.lookback, told.lookahead, told.first_row) == (4, 0, 3)
    assert told.remarks == (Remark(31, "+ joins a pure number and volume"),)


def test_explain_in_chinese_words_units_and_remarks_are_chinese() -> None:
    told = explain("$close + $volume", language="zh")
    assert told.sentence == "收盘价加成交量"
    assert told.unit == "价格"
    assert told.remarks == (Remark(7, "+ 把价格与股数放在一起"),)
    assert explain("Exp($close)", language="zh").remarks[0].text == "Exp 需要纯数，而不是价格"


def test_explain_label_is_not_causal() -> None:
    told = explain("Ref($close, -2)/Ref($close, -1) - 1")
    assert not told.is_causal
    assert told.lookahead == 2
    assert explain("EMA($close, 5)").lookback == math.inf


def test_explain_tree_places_are_characters_of_the_text() -> None:
    text = "Mean($close, 5) - $open"
    tree = explain(text).tree
    assert text[tree.at] == "-"
    assert [text[b.at :].split()[0] for b in tree.children] == ["Mean($close,", "$open"]
    assert asdict(tree)["children"][1]["label"] == "$open"


def test_explain_unknown_field_is_refused() -> None:
    with pytest.raises(FactorSyntaxError, match="no field 'clsoe'"):
        explain("$clsoe", known=["close"])
