"""Texts in English and Chinese through gettext catalogues.

The English text is the message id, so English needs no catalogue; `zh/<area>.po` holds the Chinese ones, one file per
area of the app, merged when first needed. Text that is looked up by a variable is wrapped in `mark` where it stands, so
that the test that compares sources and catalogues finds it::

    t("Rows: {n}", n=12)                      # app.session.t: translate in the reader's language
    TITLES = {"open": mark("Open")}           # a table of texts
    t(TITLES[name])
"""

from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

__all__ = ["LANGUAGES", "catalogue", "mark", "negotiate", "translate"]

LANGUAGES = {"zh": "中文", "en": "English"}
"""Languages by code, each named in itself."""

_FOLDER = Path(__file__).parent


def mark(text: str) -> str:
    """Mark a text for translation without translating it.

    Parameters
    ----------
    text : str
        A literal.

    Returns
    -------
    str
        The same text.
    """
    return text


@cache
def catalogue(language: str) -> dict[str, str]:
    """Load the translations of one language.

    Parameters
    ----------
    language : str
        Code of `LANGUAGES`; English has none.

    Returns
    -------
    dict of str to str
        Translation by English text; untranslated and fuzzy entries are left out.
    """
    messages: dict[str, str] = {}
    for path in sorted((_FOLDER / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id and message.string and not message.fuzzy:
                    messages[str(message.id)] = str(message.string)
    return messages


def translate(text: str, language: str, /, **values: object) -> str:
    """Put a text into a language and fill its placeholders.

    Parameters
    ----------
    text : str
        English text; `{name}` marks a placeholder.
    language : str
        Code of `LANGUAGES`.
    **values
        Values of the placeholders.

    Returns
    -------
    str
        The English text where there is no translation.
    """
    worded = text if language == "en" else catalogue(language).get(text, text)
    return worded.format(**values) if values else worded


def negotiate(accepted: str | None) -> str:
    """Choose the language for a browser.

    Parameters
    ----------
    accepted : str or None
        A locale such as `zh-CN`, or an Accept-Language header.

    Returns
    -------
    str
        Code of `LANGUAGES`: the first accepted one that we have, else English.
    """
    for part in (accepted or "").split(","):
        code = part.split(";")[0].strip().lower().partition("-")[0]
        if code in LANGUAGES:
            return code
    return "en"
