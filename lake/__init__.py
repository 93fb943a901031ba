"""Every byte at rest: tables, SQL over them, records, the model registry, sources, quality."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lake.lakehouse import Lake, open_lake

__all__ = ["Lake", "open_lake"]


def __getattr__(name: str) -> Any:
    # the engines behind the lake take half a second to import; a query's cage does without
    if name in __all__:
        from lake import lakehouse

        return getattr(lakehouse, name)
    raise AttributeError(f"module 'lake' has no attribute {name!r}")
