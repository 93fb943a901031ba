"""What every page shares: settings, the lake, cached reads, the reader's preferences and language.

Use it so::

    from app.session import lake, palette, preferences, read, settings, t

    t("Rows: {n}", n=12)                       # text in the reader's language
    lake()                                     # the one Lake of this process
    read(loader, "bars", instrument=code)      # loader(lake, as_of, instrument=code), cached by data versions
    palette()                                  # colours of the current theme and up/down habit, for charts

All caching of pages goes through the lake's own cache. A cached read is keyed by the loader, the state of the rows of
the tables it names, its parameters and the code, never by a frame.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from app.charts.palette import Palette
from app.i18n import LANGUAGES, negotiate, translate
from app.newest import Newest
from lake import Lake, open_lake
from lake.cache import Key
from qbrain_core.settings import Settings

if TYPE_CHECKING:
    from lake.registry import ModelVersion

__all__ = [
    "COOKIE",
    "Preferences",
    "lake",
    "palette",
    "preferences",
    "read",
    "registered",
    "remember",
    "settings",
    "t",
    "versions",
]

COOKIE = "qbrain_preferences"
"""Cookie that keeps a browser's preferences."""

_STATE = "_preferences"
_CHOICES = {"language": tuple(LANGUAGES), "theme": ("system", "light", "dark"), "up": ("red", "green")}

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What one reader likes.

    Attributes
    ----------
    language : str
        Code of `app.i18n.LANGUAGES`.
    theme : str
        system, light or dark.
    up : str
        Colour of a rise: red (the A-share habit) or green.
    """

    language: str = "en"
    theme: str = "system"
    up: str = "red"


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """Read the settings of this installation, once.

    Returns
    -------
    Settings
    """
    return Settings()


@st.cache_resource(show_spinner=False)
def lake() -> Lake:
    """Open the lake of this installation, once per process.

    Returns
    -------
    Lake
    """
    settings().make_home()
    return open_lake(settings())


def versions() -> dict[str, int]:
    """Ask for the newest version of every table, at most a second old; a commit that is announced shows at once.

    Returns
    -------
    dict of str to int
    """
    return _newest().versions()


def read(loader: Callable[Concatenate[Lake, dict[str, int], P], R], /, *tables: str, **parameters: Any) -> R:
    """Read through the cache.

    Parameters
    ----------
    loader : callable
        A module-level function `loader(lake, as_of, **parameters)`; it passes `as_of`, which holds data versions, to
        every read. A frame it returns is shared with other processes.
    *tables : str
        Tables it reads; `factors/` stands for every factor table.
    **parameters
        Hashable values.

    Returns
    -------
    object
        What the loader returned for these rows and parameters; a copy of its own for each caller.
    """
    opened, now = lake(), versions()
    as_of = {
        name: opened.catalog.data_version(name, version)
        for name, version in now.items()
        if any(name == wanted or (wanted.endswith("/") and name.startswith(wanted)) for wanted in tables)
    }
    states = {name: opened.catalog.state(name, version) for name, version in as_of.items()}
    key = Key.of(f"{loader.__module__}.{loader.__qualname__}", states, **parameters)
    # the loader's own parameters are not known here
    make: Any = loader
    return cast(R, opened.cache.remember(key, lambda: make(opened, dict(as_of), **parameters), shared=True))


@st.cache_resource(show_spinner=False)
def _newest() -> Newest:
    newest = Newest(lake())
    newest.follow()
    return newest


@st.cache_data(ttl=5.0, show_spinner=False)
def registered() -> "list[ModelVersion]":
    """List the newest version of every registered model, at most five seconds old; newest first.

    Returns
    -------
    list of ModelVersion
    """
    from lake.registry import Registry  # seconds to import: not before somebody looks at models

    return Registry(settings()).models()


def preferences() -> Preferences:
    """Find the reader's preferences: this session's, else the browser's cookie, else the browser's language.

    Returns
    -------
    Preferences
    """
    if _STATE not in st.session_state:
        language = negotiate(st.context.locale or st.context.headers.get("Accept-Language"))
        stored = dict(parse_qsl(st.context.cookies.get(COOKIE, "")))
        st.session_state[_STATE] = _chosen(Preferences(language=language), stored)
    current: Preferences = st.session_state[_STATE]
    return current


def remember(**changes: str) -> str:
    """Change preferences of this session.

    Parameters
    ----------
    **changes
        Fields of `Preferences`; an unknown field or value is ignored.

    Returns
    -------
    str
        Value for the cookie `COOKIE`, which keeps them in the browser.
    """
    st.session_state[_STATE] = chosen = _chosen(preferences(), changes)
    return urlencode({f.name: getattr(chosen, f.name) for f in fields(chosen)})


def _chosen(start: Preferences, wanted: Mapping[str, str]) -> Preferences:
    return replace(start, **{k: v for k, v in wanted.items() if v in _CHOICES.get(k, ())})


def t(text: str, /, **values: object) -> str:
    """Say a text in the reader's language.

    Parameters
    ----------
    text : str
        English text; `{name}` marks a placeholder.
    **values
        Values of the placeholders.

    Returns
    -------
    str
    """
    return translate(text, preferences().language, **values)


def palette() -> Palette:
    """Choose the colours of charts in the theme the reader sees.

    Returns
    -------
    Palette
    """
    chosen = preferences()
    dark = (st.context.theme.type or chosen.theme) == "dark"
    return Palette.of(dark=dark, up=chosen.up)
