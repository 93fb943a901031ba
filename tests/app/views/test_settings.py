"""The settings page over a lake that has been read."""

from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from qbrain_core.settings import Settings


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


def _draw() -> None:
    from app.routes import navigation
    from app.views.settings import render

    navigation()
    render()


def test_settings_shows_how_often_each_cache_knew(settings: Settings) -> None:
    page = AppTest.from_function(_draw, default_timeout=60).run()
    assert not page.exception
    shown = "\n".join(str(item.proto.body) for item in page.get("html"))
    for word in ("Caches", "Hit rate", "This process", "Redis", "Dense panels on disk", "256.0 MiB"):
        assert word in shown
