import logging
import re

import pytest
from streamlit.testing.v1 import AppTest


def _html(app: AppTest) -> str:
    return "".join(element.body for element in app.get("html"))


def _failing():
    from app.page import guarded

    @guarded
    def render():
        raise ZeroDivisionError("secret detail")

    render()


def _refusing():
    from app.page import guarded
    from qbrain_core.errors import InvalidInputError

    @guarded
    def render():
        raise InvalidInputError("as_of", "x=1", "no such table is known")

    render()


def _stopping():
    import streamlit as st

    from app.page import guarded

    @guarded
    def render():
        st.text("before")
        st.stop()

    render()


def _heading():
    from datetime import date

    from app.page import header

    header("Title", as_of=date(2025, 1, 2), today=date(2025, 1, 20))


@pytest.mark.usefixtures("settings")
def test_guarded_shows_an_id_that_is_in_the_log_and_no_traceback(caplog):
    with caplog.at_level(logging.WARNING, logger="qbrain.app"):
        app = AppTest.from_function(_failing, default_timeout=60).run()
    shown = _html(app)
    assert not app.exception
    assert "secret detail" not in shown
    assert "ZeroDivisionError" not in shown
    number = re.search(r"Error id: ([0-9a-f]{8})", shown)[1]
    assert number in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.usefixtures("settings")
def test_guarded_says_what_an_expected_error_says():
    shown = _html(AppTest.from_function(_refusing, default_timeout=60).run())
    assert "as_of is &#x27;x=1&#x27;, but no such table is known" in shown


@pytest.mark.usefixtures("settings")
def test_guarded_lets_a_stop_pass():
    app = AppTest.from_function(_stopping, default_timeout=60).run()
    assert app.text[0].value == "before"
    assert "qb-notice" not in _html(app)


@pytest.mark.usefixtures("settings")
def test_header_states_how_old_the_data_are():
    shown = _html(AppTest.from_function(_heading, default_timeout=60).run())
    assert "Data as of 2025-01-02" in shown
    assert "18 calendar days old" in shown
    assert "qb-gray" in shown
