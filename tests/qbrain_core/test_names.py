"""Names: script and initials."""

import pytest

from qbrain_core.names import is_chinese, pinyin_initials, pinyin_syllables


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


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("平安银行", "ping an yin hang"),
        ("重庆长江", "chong qing chang jiang"),
        ("万科Ａ", "wan ke a"),
        ("*ST海航", "st hai hang"),
        ("", ""),
    ],
)
def test_pinyin_syllables(name: str, spelled: str) -> None:
    assert " ".join(pinyin_syllables(name)) == spelled


def test_is_chinese() -> None:
    assert is_chinese("万科Ａ")
    assert not is_chinese("A. O. Smith")
    assert not is_chinese("Ａ")
