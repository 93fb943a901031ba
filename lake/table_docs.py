"""The reference of every table, written from the declarations: `python -m lake.table_docs > docs/tables.md`."""

import sys

from lake.tables import TABLES, Table
from lake.views import sql_type

__all__ = ["table_docs"]

_HEAD = """# Tables

Written from `lake/tables/` by `python -m lake.table_docs > docs/tables.md`. Every table is a Delta table, and an SQL
view of that name. Factor tables come on top: `factors/<set>-<hash8>`, with instrument, session, market, year and one
FLOAT column per factor.
"""


def table_docs() -> str:
    """Write the reference of the fixed tables.

    Returns
    -------
    str
        Markdown: per table its sentence, key, partitions and order, and one line per column.
    """
    return "\n".join([_HEAD, *(_section(table) for table in TABLES.values())])


def _section(table: Table) -> str:
    facts = [("Key", table.key), ("partitions", table.partitions), ("sorted by", table.sort)]
    told = "; ".join(f"{label}: {', '.join(names)}" for label, names in facts if names)
    if table.retention:
        days = table.retention.days
        told += f"; kept by {table.retention.column}: {f'{days} days' if days else 'for ever'}"
    lines = [
        f"## {table.name}",
        "",
        table.sentence,
        "",
        f"{told}.",
        "",
        "| column | type | unit | |",
        "|---|---|---|---|",
    ]
    for column in table.columns:
        sentence = column.sentence.replace("|", "\\|") + (" May be null." if column.nullable else "")
        lines.append(f"| `{column.name}` | {sql_type(column.type)} | {column.unit} | {sentence} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.stdout.write(table_docs())
