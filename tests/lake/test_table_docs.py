"""The tables' reference says what the declarations say."""

from pathlib import Path

from lake.table_docs import table_docs
from lake.tables import TABLES

DOCS = Path(__file__).resolve().parents[2] / "docs" / "tables.md"


def test_reference_is_up_to_date() -> None:
    assert DOCS.read_text(encoding="utf-8") == table_docs(), "run: python -m lake.table_docs > docs/tables.md"


def test_reference_names_every_table_and_column() -> None:
    text = table_docs()
    for table in TABLES.values():
        section = text.partition(f"\n## {table.name}\n")[2].partition("\n## ")[0]
        assert table.sentence in section
        assert all(f"| `{column.name}` |" in section for column in table.columns)
