import pytest
from streamlit.testing.v1 import AppTest


def _script():
    import streamlit as st

    from app.choice import choose, choose_many

    one = choose("Period", {"day": "日线", "week": "周线"}, name="period")
    many = choose_many("Panes", {"macd": "MACD", "rsi": "RSI"}, name="panes", default=("macd",))
    st.text(f"{one}|{','.join(many)}")


def _run(**query: str) -> AppTest:
    app = AppTest.from_function(_script, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def test_choice_default_leaves_the_url_clean():
    app = _run()
    assert app.text[0].value == "day|macd"
    assert dict(app.query_params) == {}


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"period": "week"}, "week|macd"),
        ({"panes": "rsi"}, "day|rsi"),
        ({"panes": "macd.rsi"}, "day|macd,rsi"),
        ({"panes": "none"}, "day|"),
        ({"period": "周线"}, "day|macd"),
        ({"period": "no-such", "panes": "no-such"}, "day|"),
    ],
)
def test_choice_is_read_from_codes_in_the_url(query, shown):
    assert _run(**query).text[0].value == shown


def test_choice_made_is_written_as_its_code():
    app = _run()
    app.segmented_control[0].set_value("week").run()
    assert app.text[0].value == "week|macd"
    assert app.query_params["period"] in ("week", ["week"])


def test_choice_follows_the_url_when_the_reader_goes_back():
    app = _run(period="week")
    del app.query_params["period"]
    app.run()
    assert app.text[0].value == "day|macd"
