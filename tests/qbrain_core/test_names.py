"""Names: script and initials."""

import pytest

from qbrain_core.names import is_chinese, pinyin_initials


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("平安银行", "PAYH"),
        ("万科Ａ", "WKA"),
        ("重庆啤酒", "CQPJ"),
        ("*ST海航", "STHH"),
        ("ＴＣＬ科技", "TCLKJ"),
        ("", ""),
    ],
)
def test_pinyin_initials(name: str, initials: str) -> None:
    # truth: the exchanges' own abbreviations as data vendors publish them
    assert pinyin_initials(name) == initials


def test_is_chinese() -> None:
    assert is_chinese("万科Ａ")
    assert not is_chinese("A. O. Smith")
    assert not is_chinese("Ａ")
