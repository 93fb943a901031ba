import pytest

from app.i18n import translate
from app.panels.rejection_detail import detail_in_words


def _say(language):
    return lambda text, **values: translate(text, language, **values)


@pytest.mark.parametrize(
    ("detail", "en", "zh"),
    [
        ("halted or nothing traded", "halted or nothing traded", "停牌或无成交"),
        ("open 19.57 at the limit 19.57", "open 19.57 at the limit 19.57", "开盘价 19.57 已达涨跌停价 19.57"),
        ("cash 155629.30 buys 7900 of 8900 shares", "cash 155,629.30 buys 7,900 of 8,900 shares",
         "现金 155,629.30 只够买 7,900 股（委托 8,900 股）"),
        ("stop 1.2e+04 stands at the limit 9", "stop 1.2e+04 stands at the limit 9", "止损价 1.2e+04 处于跌停价 9"),
        ("something else 1234", "something else 1234", "something else 1234"),
    ],
)  # fmt: skip
def test_detail_in_words_says_what_decided_in_both_languages(detail, en, zh):
    assert detail_in_words(detail, _say("en")) == en
    assert detail_in_words(detail, _say("zh")) == zh
