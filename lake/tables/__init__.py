"""Every table of the lake, declared once: key, partitions, order, units, and a sentence per column."""

from lake.tables.company import COMPANY_TABLES
from lake.tables.declaration import Column, Retention, Table, columns
from lake.tables.evaluations import EVALUATION_TABLES
from lake.tables.operations import OPERATION_TABLES
from lake.tables.parts import F32, INSTRUMENT, MARKET, SESSION, YEAR
from lake.tables.prices import PRICE_TABLES
from lake.tables.reference import REFERENCE_TABLES
from lake.tables.results import RESULT_TABLES
from qbrain_core.errors import UnknownNameError

__all__ = ["FACTOR_PREFIX", "TABLES", "Column", "Retention", "Table", "factor_table", "table"]

FACTOR_PREFIX = "factors/"
"""Names of factor tables start so: `factors/<set>-<hash8>`."""

TABLES: dict[str, Table] = {
    declared.name: declared
    for declared in (
        *REFERENCE_TABLES,
        *PRICE_TABLES,
        *COMPANY_TABLES,
        *RESULT_TABLES,
        *EVALUATION_TABLES,
        *OPERATION_TABLES,
    )
}
"""Tables by name; factor tables are made by `factor_table`."""


def factor_table(factor_set: str, digest: str, names: tuple[str, ...]) -> Table:
    """Declare the table of one version of a factor set.

    Parameters
    ----------
    factor_set : str
        Name of the set.
    digest : str
        Hash of its expressions; the first eight characters name the table.
    names : tuple of str
        Factor names, in order.

    Returns
    -------
    Table
        `factors/<set>-<hash8>`; one float32 column per factor, null where the factor has no value.
    """
    values = tuple(Column(name, F32, "Factor value.", nullable=True) for name in names)
    return Table(
        f"{FACTOR_PREFIX}{factor_set}-{digest[:8]}", f"Factors {factor_set} of one instrument on one session.",
        columns(INSTRUMENT, SESSION, MARKET, YEAR) + values, key=("instrument", "session"),
        partitions=("market", "year"), sort=("instrument", "session"), retention=Retention("session"),
    )  # fmt: skip


def table(name: str) -> Table:
    """Look a fixed table up.

    Parameters
    ----------
    name : str

    Returns
    -------
    Table

    Raises
    ------
    UnknownNameError
        If there is no such table.
    """
    if name not in TABLES:
        raise UnknownNameError("table", name, TABLES)
    return TABLES[name]
