"""Find instruments by what people type: a code, a name in English or Chinese, or the initials of its pinyin."""

import unicodedata

import polars as pl

__all__ = ["rank", "searchable"]

_NAMES = ("_zh", "_en", "_pinyin")


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
    texts = instruments.sort("instrument").with_columns(
        _id=pl.col("instrument"),
        _ticker=pl.col("ticker"),
        _glued=suffix + pl.col("ticker"),  # SH600519, as Qlib and many vendors write it
        _zh=pl.col("name_zh"),
        _en=pl.col("name_en"),
        _pinyin=pl.col("pinyin"),
    )
    return texts.with_columns(_fold_column(f) for f in ("_id", "_ticker", "_glued", *_NAMES))


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
        The columns `searchable` was given: exact codes, then codes that start so, then names (or pinyin initials)
        that start so, then whatever contains it; shorter codes first.
    """
    wanted = _fold(text)
    hidden = [name for name in prepared.columns if name.startswith("_")]
    if not wanted:
        return prepared.drop(hidden).head(limit)
    code = [pl.col(name) for name in ("_ticker", "_id", "_glued")]
    names = [pl.col(name) for name in _NAMES]
    found = prepared.with_columns(
        _rank=pl.when(pl.any_horizontal(c == wanted for c in code)).then(0)
        .when(pl.any_horizontal(c.str.starts_with(wanted) for c in code)).then(1)
        .when(pl.any_horizontal(n.str.starts_with(wanted) for n in names)).then(2)
        .when(pl.any_horizontal(c.str.contains(wanted, literal=True) for c in [*code[:2], *names])).then(3)
    ).filter(pl.col("_rank").is_not_null())  # fmt: skip
    order = ["_rank", pl.col("ticker").str.len_chars(), "instrument"]
    return found.sort(order).head(limit).drop([*hidden, "_rank"])


def _fold(text: str) -> str:
    # NFKC turns the full-width letters of some A-share names (万科Ａ) into plain ones
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("-", ".").split())


def _fold_column(name: str) -> pl.Expr:
    folded = pl.col(name).str.normalize("NFKC").str.to_lowercase().str.replace_all("-", ".", literal=True)
    return folded.str.replace_all(r"\s+", " ").fill_null("").alias(name)
