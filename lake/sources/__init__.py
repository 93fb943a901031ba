"""Where rows come from: readers that turn somebody's files into columns with our names."""

from lake.sources.delivered import SourceRows
from lake.sources.files import Layout, read_rows
from lake.sources.paths import SourceFile, matching_files
from lake.sources.values import Conversion

__all__ = ["Conversion", "Layout", "SourceFile", "SourceRows", "matching_files", "read_rows"]
