"""The table holds what the installed Qlib has: operators, arguments, infix forms."""

import inspect

from qlib.data.base import Expression
from qlib.data.ops import OpsList
from qlib.data.pit import P, PRef

from qbrain_core.factors.operators import QLIB, SPELLINGS, SYMBOLS

INFIX = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**", "and": "&", "or": "|",
    "gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "==", "ne": "!=",
}  # fmt: skip
NOT_INFIX = {"init", "str", "repr", "hash", "div", "radd", "rsub", "rmul", "rdiv", "rtruediv", "rpow", "rand", "ror"}


def test_table_holds_every_operator_of_qlib_and_no_other() -> None:
    theirs = {operator.__name__ for operator in (*OpsList, P, PRef)}
    ours = {operator.name for operator in QLIB}
    assert ours | SPELLINGS.keys() == theirs
    assert not ours & SPELLINGS.keys()
    assert len(QLIB) == len(ours)


def test_table_names_arguments_as_qlib_does() -> None:
    ours = {operator.name: operator.names for operator in (*QLIB, *SPELLINGS.values())}
    theirs = {o.__name__: tuple(inspect.signature(o).parameters) for o in (*OpsList, P, PRef)}
    assert ours == theirs
    assert all(len(o.names) == len(o.slots) for o in QLIB)


def test_table_holds_every_infix_form_of_qlib() -> None:
    methods = {n.strip("_") for n, f in vars(Expression).items() if n.startswith("__") and inspect.isfunction(f)}
    assert methods - NOT_INFIX == INFIX.keys()
    assert set(INFIX.values()) == SYMBOLS.keys()
