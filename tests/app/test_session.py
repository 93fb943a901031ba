import pytest
from streamlit.testing.v1 import AppTest


def _preferring():
    import streamlit as st

    from app.session import palette, preferences, remember, t

    cookie = remember(language="zh", up="green", theme="no-such-theme", unknown="x")
    st.text(cookie)
    st.text(t("Overview"))
    st.text(f"{preferences().theme} {palette().up}")


def _reading():
    import streamlit as st

    from app.session import lake, read, versions

    calls = st.session_state.setdefault("calls", [])

    def loader(lake, as_of, *, factor):
        calls.append((dict(as_of), factor))
        return len(calls)

    st.text(f"{read(loader, 'bars', factor=2)} {read(loader, 'bars', factor=2)} {read(loader, 'bars', factor=3)}")
    st.text(sorted(versions())[0])
    assert lake() is lake()


@pytest.fixture(autouse=True)
def _fresh_caches():
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


def test_remember_keeps_known_values_only(settings):
    app = AppTest.from_function(_preferring).run()
    cookie, word, looks = (element.value for element in app.text)
    assert cookie == "language=zh&theme=system&up=green"
    assert word == "总览"
    assert looks == "system #0F9D6B"


def test_read_runs_once_per_versions_and_parameters(settings):
    app = AppTest.from_function(_reading, default_timeout=30).run()
    assert not app.exception
    assert app.text[0].value == "1 1 2"
    calls = app.session_state["calls"]
    assert [factor for _, factor in calls] == [2, 3]
    assert all(set(as_of) == {"bars"} for as_of, _ in calls)
