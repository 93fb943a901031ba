"""Where rows come from: readers that turn somebody's file into columns with our names."""

from lake.sources.files import SourceRows, read_rows

__all__ = ["SourceRows", "read_rows"]
