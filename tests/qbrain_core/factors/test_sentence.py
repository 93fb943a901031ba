from random import Random

import pytest
from factor_texts import call

from qbrain_core.factors.expression import parse
from qbrain_core.factors.operators import HOUSE, OPERATORS, QLIB
from qbrain_core.factors.sentence import sentence
from qbrain_core.factors.wording import NOTES, WORDS


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("-$close", "minus close", "负的收盘价"),
        ("Ref($close, 1)", "close 1 row earlier", "1 行前的收盘价"),
        ("Ref($close, -2)", "close 2 rows later", "2 行后的收盘价"),
        ("Ref($close, 0)", "close on the first row", "最初的收盘价"),
        ("Sum($volume, 0)", "the sum of volume over all rows so far", "成交量在至今全部行内之和"),
        (
            "EMA($close, 0.1)",
            "the exponential mean of close with a smoothing factor of 0.1",
            "收盘价的指数均值（平滑系数 0.1）",
        ),
        (
            "P(Mean($$roe_q, 4))",
            "from the reports known by then: (the mean of roe q over 4 periods)",
            "按当时已公布的报告：（roe_q在最近 4 个报告期内的均值）",
        ),
        ("TResample($close, 'W', 'max')", "the max of close over the week so far", "收盘价在本周至今的 max"),
        (
            "CSNeutralize($pe, $industry, Log($market_cap))",
            "what is left of pe once industry and (the natural logarithm of market cap) is accounted for"
            " over the session",
            "市盈率对行业、（总市值的自然对数）做当日横截面中性化后的残差",
        ),
        (
            "TA_MACD_MACDSIGNAL($close)",
            "TA-Lib's Moving Average Convergence/Divergence, macdsignal of close"
            " with fastperiod 12, slowperiod 26, signalperiod 9",
            "TA-Lib 的 Moving Average Convergence/Divergence, macdsignal"
            "（收盘价；fastperiod 12、slowperiod 26、signalperiod 9）",
        ),
    ],
)
def test_sentence_of_known_expression(text: str, english: str, chinese: str) -> None:
    assert sentence(parse(text)) == english
    assert sentence(parse(text), "zh") == chinese


def test_words_are_there_for_every_operator_and_no_other() -> None:
    assert WORDS.keys() == {o.name for o in (*QLIB, *HOUSE)}
    assert WORDS.keys() >= NOTES.keys()


def test_sentence_of_any_operator_names_every_argument() -> None:
    random = Random(8)
    for definition in OPERATORS.values():
        tree = call(random, definition, 1)
        for language in ("en", "zh"):
            words = sentence(tree, language)  # type: ignore[arg-type]
            assert "{" not in words
            if not definition.talib:
                template = WORDS[definition.name][language]  # type: ignore[index]
                assert all(f"{{{n}}}" in template for n in range(len(definition.slots))), definition.name
