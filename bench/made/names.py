"""A made-up list of instruments: A-shares with Chinese names and their pinyin, US stocks with English ones."""

import numpy as np
import polars as pl

from qbrain_core.names import pinyin_initials, pinyin_syllables

_PLACES = """北京 上海 深圳 杭州 广东 江苏 浙江 四川 贵州 云南 山东 湖南 重庆 天津 福建 海南 长江 东方 中原 西部"""
_STEMS = "华金瑞恒泰安信达海龙天宏国新科江联兴康利盛永嘉明通远航星云润德立凯博创"
_TRADES = "股份 科技 电子 医药 银行 证券 能源 重工 化工 食品 酒业 汽车 地产 环保 软件 材料 电力 机场 传媒 农业"
_SYLLABLES = "al ber cor den ex fal gran hel in jas ken lor mer nor or pan quin ros sol tan ul ver wes xen yor zan"
_ENDS = "Technologies Holdings Energy Bancorp Therapeutics Financial Systems Industries Pharma Group Realty"
_FORMS = ("Inc.", "Corp.", "Ltd.", "PLC", "")


def instruments(n: int, draw: np.random.Generator) -> pl.DataFrame:
    """Rows of the table `instruments`; two of five are A-shares."""
    n_chinese = n * 2 // 5
    numbers = draw.choice(np.r_[600000:606000, 688000:689000, 1:3100, 300000:301600], n_chinese, replace=False)
    rows = {}
    while len(rows) < n_chinese:  # names are unique, as an exchange's are
        stem = str(draw.choice(_PLACES.split())) if draw.random() < 0.4 else "".join(draw.choice(list(_STEMS), 2))
        rows[stem + str(draw.choice(list(_STEMS))) * (draw.random() < 0.5) + str(draw.choice(_TRADES.split()))] = None
    chinese = [
        (f"{number:06}.{'SH' if number >= 600000 else 'SZ'}", f"{number:06}",
         " ".join(s.title() for s in pinyin_syllables(name)), name, pinyin_initials(name))
        for number, name in zip(numbers, rows, strict=True)
    ]  # fmt: skip
    tickers: dict[str, str] = {}
    while len(tickers) < n - n_chinese:
        words = [
            "".join(draw.choice(_SYLLABLES.split(), draw.integers(2, 4))).title() for _ in range(draw.integers(1, 3))
        ]
        name = " ".join([*words, str(draw.choice(_ENDS.split())), str(draw.choice(_FORMS))]).strip()
        ticker = "".join(draw.choice(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), draw.integers(2, 5)))
        tickers[ticker] = name
    foreign = [(f"{ticker}.US", ticker, name, None, None) for ticker, name in tickers.items()]
    columns = ["instrument", "ticker", "name_en", "name_zh", "pinyin"]
    frame = pl.DataFrame([*chinese, *foreign], schema=columns, orient="row")
    return frame.with_columns(kind=pl.lit("stock"), currency=pl.lit("CNY"), lot=100)
