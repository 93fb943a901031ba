"""Names of instruments: which script they are in, and how a Chinese one is found by its initials."""

import re
import unicodedata

from pypinyin import Style, lazy_pinyin

__all__ = ["is_chinese", "pinyin_initials", "pinyin_syllables"]

_HAN = re.compile(r"[\u3400-\u9fff]")


def is_chinese(name: str) -> bool:
    """Tell whether a name is written in Chinese.

    Parameters
    ----------
    name : str

    Returns
    -------
    bool
        True when any character of it is Han.
    """
    return _HAN.search(name) is not None


def pinyin_initials(name: str) -> str:
    """Write the initials of a Chinese name, for search.

    Parameters
    ----------
    name : str
        Chinese name; full-width Latin letters count as their narrow form.

    Returns
    -------
    str
        Upper case; letters and digits stand for themselves, everything else is left out: 万科Ａ gives WKA.
    """
    initials = "".join(lazy_pinyin(unicodedata.normalize("NFKC", name), style=Style.FIRST_LETTER))
    return "".join(c for c in initials.upper() if c.isalnum())


def pinyin_syllables(name: str) -> list[str]:
    """Spell a Chinese name, for search.

    Parameters
    ----------
    name : str
        Chinese name; full-width Latin letters count as their narrow form.

    Returns
    -------
    list of str
        A syllable of pinyin without tone for each Chinese character, lower case; other letters and digits in between
        stand for themselves, everything else is left out: 万科Ａ gives wan, ke, a.
    """
    spelled = lazy_pinyin(unicodedata.normalize("NFKC", name))
    syllables = ("".join(c for c in syllable.lower() if c.isalnum()) for syllable in spelled)
    return [syllable for syllable in syllables if syllable]
