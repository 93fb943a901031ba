"""What every test of the app watches: pages read only the tables they say they read."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lake.catalog import Catalog


@pytest.fixture(autouse=True)
def declared_tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in which a cached read asked for a table that is not part of its key: it would go stale."""
    undeclared: list[str] = []
    resolve = Catalog.resolve

    def watched(self: Catalog, as_of: Any, names: list[str] | None = None) -> dict[str, int]:
        if isinstance(as_of, Mapping) and names is not None:
            undeclared.extend(f"{name} beside {sorted(as_of)}" for name in names if name not in as_of)
        return resolve(self, as_of, names)

    monkeypatch.setattr(Catalog, "resolve", watched)
    yield
    assert not undeclared
