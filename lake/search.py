"""Find instruments by what people type: a code, a name in English or Chinese, pinyin; one slip is forgiven."""

import re
import unicodedata
from functools import lru_cache

import polars as pl

from qbrain_core.names import is_chinese, pinyin_syllables

__all__ = ["rank", "searchable"]

_CODES = ("_ticker", "_id", "_glued")
_NAMES = ("_zh", "_en", "_pinyin")
_FEW = 5  # found as typed; where there are fewer, the text may hold a slip
_LONGEST = 64  # characters; beyond it a slip is not looked for
_SHORTEST = 4  # characters; a slip in fewer leaves too little to go by
_SHORTEST_CHINESE = 3
_BREAKS = "[ .\n]"


def searchable(instruments: pl.DataFrame) -> pl.DataFrame:
    """Prepare an instruments frame for `rank`.

    Parameters
    ----------
    instruments : DataFrame, columns (instrument, ticker, name_en, name_zh, pinyin, …)

    Returns
    -------
    DataFrame
        The same rows and columns, by instrument, and folded copies of the texts in columns that start with `_`.
    """
    suffix = pl.col("instrument").str.split(".").list.last()
    chinese = instruments["name_zh"].drop_nulls().unique().to_list()
    texts = instruments.sort("instrument").with_columns(
        _id=pl.col("instrument"),
        _ticker=pl.col("ticker"),
        _glued=suffix + pl.col("ticker"),  # SH600519, as Qlib and many vendors write it
        _zh=pl.col("name_zh"),
        _en=pl.col("name_en"),
        _pinyin=pl.col("pinyin"),
        _spelled=pl.col("name_zh").replace_strict(chinese, [_spell(name) for name in chinese], default="",
                                                  return_dtype=pl.String),
    )  # fmt: skip
    folded = texts.with_columns(_fold_column(f) for f in (*_CODES, *_NAMES))
    return folded.with_columns(_all=pl.concat_str(*_CODES, *_NAMES, "_spelled", separator="\n"))


def rank(prepared: pl.DataFrame, text: str, *, limit: int) -> pl.DataFrame:
    """Find the instruments that match a text, the likeliest first.

    Parameters
    ----------
    prepared : DataFrame
        What `searchable` returned, filtered at will.
    text : str
        Upper or lower case, half or full width; empty matches all.
    limit : int

    Returns
    -------
    DataFrame
        The columns `searchable` was given: exact codes, then codes that start so, then names (in English, Chinese,
        pinyin or its initials) that start so, then whatever contains it; shorter codes first. Where fewer than five
        match, none exactly, and the text has four characters or more (three with Chinese ones), then those
        that match but for one character wrong, missing or too many, or two neighbours swapped.
    """
    wanted = _fold(text)
    hidden = [name for name in prepared.columns if name.startswith("_")]
    if not wanted:
        return prepared.drop(hidden).head(limit)
    code = [pl.col(name) for name in _CODES]
    names = [pl.col(name) for name in _NAMES]
    spelled = " " + wanted.replace(" ", "")
    anywhere = pl.col("_all").str.contains(wanted, literal=True)
    if " " in wanted:
        anywhere |= pl.col("_all").str.contains(spelled, literal=True)
    found = prepared.filter(anywhere).with_columns(
        _rank=pl.when(pl.any_horizontal(c == wanted for c in code)).then(0)
        .when(pl.any_horizontal(c.str.starts_with(wanted) for c in code)).then(1)
        .when(pl.any_horizontal(n.str.starts_with(wanted) for n in names)
              | pl.col("_spelled").str.starts_with(spelled)).then(2)
        .when(pl.any_horizontal(c.str.contains(wanted, literal=True) for c in [*code[:2], *names])
              | pl.col("_spelled").str.contains(spelled, literal=True)).then(3)
    ).drop_nulls("_rank")  # fmt: skip
    exact = found.select(pl.any_horizontal(t == wanted for t in [*code, *names]).any()).item()
    if found.height < min(_FEW, limit) and not exact and _may_hold_slip(wanted):
        found = found.vstack(_nearly(prepared, wanted, found["instrument"]))
    order = ["_rank", pl.col("ticker").str.len_chars(), "instrument"]
    return found.sort(order).head(limit).drop([*hidden, "_rank"])


def _may_hold_slip(wanted: str) -> bool:
    return (_SHORTEST_CHINESE if is_chinese(wanted) else _SHORTEST) <= len(wanted) <= _LONGEST


def _nearly(prepared: pl.DataFrame, wanted: str, known: pl.Series) -> pl.DataFrame:
    # swapped neighbours are the likeliest slip, and a name from its first word on is likelier meant than a part of it
    swapped, others = _slips(wanted)
    text, first, end = pl.col("_all").str, "(?:^|\n ?)", f"(?:$|{_BREAKS})"
    start = "" if is_chinese(wanted) else f"(?:^|{_BREAKS})"  # Chinese has no spaces between words
    near = prepared.filter(text.contains(f"{start}(?:{'|'.join([*swapped, *others])})"))
    return near.filter(~pl.col("instrument").is_in(known.implode())).with_columns(
        _rank=pl.when(text.contains(f"{first}(?:{'|'.join(swapped)}){end}")).then(4)
        .when(text.contains(f"{first}(?:{'|'.join(others)}){end}")).then(5).otherwise(6)
    )  # fmt: skip


def _slips(wanted: str) -> tuple[list[str], list[str]]:
    # patterns of what may have been meant; a regular expression of all of them reads 15,000 names in 2 ms
    swapped, others = [], []
    for place in range(len(wanted)):
        before, at, after = re.escape(wanted[:place]), wanted[place], wanted[place + 1 :]
        others += [f"{before}.{re.escape(after)}", f"{before}{re.escape(after)}", f"{before}.{re.escape(at + after)}"]
        if after and after[0] != at:
            swapped.append(before + re.escape(after[0] + at + after[1:]))
    return swapped or ["[^\\s\\S]"], others


@lru_cache(2**16)
def _spell(name: str) -> str:
    # from every syllable on: " guizhoumaotai zhoumaotai maotai tai"
    syllables = pinyin_syllables(name)
    return "".join(" " + "".join(syllables[first:]) for first in range(len(syllables)))


def _fold(text: str) -> str:
    # NFKC turns the full-width letters of some A-share names (万科Ａ) into plain ones
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("-", ".").split())


def _fold_column(name: str) -> pl.Expr:
    folded = pl.col(name).str.normalize("NFKC").str.to_lowercase().str.replace_all("-", ".", literal=True)
    return folded.str.replace_all(r"\s+", " ").fill_null("").alias(name)
