import importlib
import inspect

import pytest

from app.routes import ROUTES, href


@pytest.mark.parametrize("view", ROUTES)
def test_every_route_has_a_view_that_renders(view):
    render = importlib.import_module(f"app.views.{view}").render
    assert inspect.signature(render).parameters == {}


@pytest.mark.parametrize(
    ("view", "query", "url"),
    [
        ("overview", {}, "/"),
        ("instrument", {"id": "600519.SH"}, "/instrument?id=600519.SH"),
        ("model", {"name": "a b", "version": 2}, "/model?name=a+b&version=2"),
        ("jobs", {"status": "", "kind": None}, "/jobs"),
    ],
)
def test_href_writes_urls(view, query, url):
    assert href(view, **query) == url


def test_href_of_an_unknown_view_is_an_error():
    with pytest.raises(KeyError):
        href("no-such-view")
