import time
from datetime import date

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from lake import open_lake


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
    app = AppTest.from_function(_preferring, default_timeout=60).run()
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


def _counting():
    import streamlit as st

    from app.session import lake, read

    def count(lake, as_of):
        return lake.sql("SELECT count(*) AS n FROM bars", as_of=as_of)

    st.text(read(count, "bars").item())
    st.text(lake().cache.figures()[0].hits)


def _write(lake, job, *names):
    row = {"session": date(2024, 1, 2), "close": 1.0, "factor": 1.0, "halted": False, "price_basis": "raw"}
    with lake.commit(job, 1) as tx:
        tx.upsert("bars", pl.DataFrame([row | {"instrument": name} for name in names]))


def test_commit_of_another_process_shows_at_once_on_a_page(settings, valkey, monkeypatch):
    monkeypatch.setattr("app.newest._OLDEST_S", 3600.0)  # only the announcement can tell
    writer = open_lake(settings)
    _write(writer, "a", "A.US")
    app = AppTest.from_function(_counting, default_timeout=30).run()
    assert app.text[0].value == "1"
    # the listener may still be connecting: announce until it hears
    for n in range(50):
        _write(writer, f"b{n}", "B.US", f"N{n}.US")
        time.sleep(0.1)
        if app.run().text[0].value != "1":
            break
    assert int(app.text[0].value) == n + 3


def test_commit_that_nobody_announces_shows_within_a_second(settings, monkeypatch):
    monkeypatch.setattr("app.newest._OLDEST_S", 0.0)
    writer = open_lake(settings)
    _write(writer, "a", "A.US")
    app = AppTest.from_function(_counting, default_timeout=30).run()
    assert app.text[0].value == "1"
    compacted = app.run()
    assert (compacted.text[0].value, compacted.text[1].value) == ("1", "1")
    _write(writer, "b", "B.US")
    assert app.run().text[0].value == "2"
