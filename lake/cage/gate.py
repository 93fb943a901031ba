"""Let a query through only if every node of its syntax tree is known to do nothing but read.

DuckDB parses the text (`json_serialize_sql`, in a connection that holds nothing); the walk below refuses whatever is
not on a list: node kinds, relations, table functions, scalar, aggregate and window functions. It runs in the query's
own process, because there are texts that keep the parser busy for minutes.
"""

import json
import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, NoReturn

import duckdb

from lake.cage.errors import SqlFailedError, SqlRefusedError, place
from lake.cage.functions import ALLOWED_FUNCTIONS, ALLOWED_TABLE_FUNCTIONS
from lake.macros import SCALAR_MACROS, TABLE_MACROS
from qbrain_core.errors import suggest

__all__ = ["MAX_QUERY_CHARS", "check_query"]

MAX_QUERY_CHARS = 100_000
"""Longest query accepted, in characters."""

_QUERY_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_MODIFIERS = {
    "DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER",
    "ASCENDING", "DESCENDING", "ORDER_ASCENDING", "ORDER_DEFAULT", "ORDER_DESCENDING",
}  # fmt: skip
_TABLE_REFS = {
    "BASE_TABLE", "EMPTY", "EMPTY_FROM", "EXPRESSION_LIST", "JOIN", "PIVOT", "SHOW_REF", "SUBQUERY", "TABLE_FUNCTION",
}  # fmt: skip
_EXPRESSIONS = {
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA",
    "LAMBDA_REF", "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW",
}  # fmt: skip
_CTE_NAME = re.compile(r"(?!duckdb_|pg_|sqlite_|pragma_)\w+", re.IGNORECASE)
# a file's name has a dot or a slash: as the name of a common table expression it could be meant for a file outside it
_FUNCTIONS = ALLOWED_FUNCTIONS | SCALAR_MACROS
_TABLE_FUNCTIONS = ALLOWED_TABLE_FUNCTIONS | TABLE_MACROS


def check_query(query: str, relations: Collection[str]) -> None:
    """Refuse a query that is anything but one read of the given relations.

    Parameters
    ----------
    query : str
        One statement.
    relations : collection of str
        Views and tables it may name, unqualified; case does not matter.

    Raises
    ------
    SqlFailedError
        If it does not parse; the parser's own message, with the place.
    SqlRefusedError
        If it parses and does something that is not on the lists.
    """
    if len(query) > MAX_QUERY_CHARS:
        raise SqlRefusedError(f"{len(query)} characters long", f"it may have at most {MAX_QUERY_CHARS}")
    try:
        tree = _parse(query)
        known = {r.lower() for r in relations} | set(_cte_names(tree))
        _Walk(query, known).check(tree)
    except RecursionError:
        raise SqlRefusedError("nested too deeply", "its syntax tree must be shallower") from None


@cache
def _scratch() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(
        ":memory:", config={"enable_external_access": False, "python_enable_replacements": False, "threads": 1}
    )


def _parse(query: str) -> Any:
    cursor = _scratch().cursor()
    try:
        row = cursor.execute("SELECT json_serialize_sql(?)", [query]).fetchone()
        tree: Any = json.loads(str(row[0])) if row else {"error": True}
        if tree.get("error_type") == "parser":
            start, length = json.loads(tree.get("location", "[0, 0]"))
            raise SqlFailedError(f"Parser Error: {tree.get('error_message')}", place(query, start, length))
        statements = cursor.extract_statements(query)
    except duckdb.Error as error:
        raise SqlFailedError(str(error)) from None
    if len(statements) != 1:
        raise SqlRefusedError(f"{len(statements)} statements", "it must be exactly one")
    if not tree.get("error"):
        return tree
    try:
        kind = statements[0].type.name
    except ValueError:  # newer than the engine's own list of kinds
        kind = "STATEMENT"
    if query.lstrip()[:5].lower() == "pivot":
        raise SqlRefusedError("PIVOT", "its values must be listed: PIVOT … ON column IN ('a', 'b') USING …")
    if kind != "SELECT":
        raise SqlRefusedError(kind.lower().replace("_", " "), "only queries that read are run here")
    raise SqlFailedError(str(tree.get("error_message")))


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    stack = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _cte_names(tree: Any) -> Iterator[str]:
    for node in _nodes(tree):
        entries = node.get("cte_map")
        names = [str(e["key"]) for e in entries.get("map", [])] if isinstance(entries, dict) else []
        if node.get("cte_name"):
            names.append(str(node["cte_name"]))
        for name in names:
            if not _CTE_NAME.fullmatch(name):
                raise SqlRefusedError(name, "the name of a WITH table consists of letters, digits and _")
            yield name.lower()


class _Walk:
    def __init__(self, query: str, relations: set[str]) -> None:
        self._query = query
        self._relations = relations

    def check(self, tree: Any) -> None:
        for node in _nodes(tree):
            kind, family = node.get("type"), node.get("class")
            if isinstance(family, str):
                if family not in _EXPRESSIONS:
                    self._refuse(node, family.lower(), "expressions of this kind are not on the list")
                if family in ("FUNCTION", "WINDOW"):
                    self._check_function(node)
            elif isinstance(kind, str):
                if kind in _TABLE_REFS:
                    self._check_relation(node, kind)
                elif kind not in _QUERY_NODES and kind not in _MODIFIERS and not kind.endswith("_TYPE_INFO"):
                    self._refuse(node, kind.lower(), "statements of this kind are not on the list")

    def _check_function(self, node: dict[str, Any]) -> None:
        name = str(node.get("function_name", "")).lower()
        # what stands before the dot is a schema or, as in ticker.lower(), a column: the name alone decides
        if name not in _FUNCTIONS and name not in TABLE_MACROS:
            self._refuse(node, f"{name}()", f"this function is not on the list; {suggest(name, _FUNCTIONS)}")

    def _check_relation(self, node: dict[str, Any], kind: str) -> None:
        if kind == "BASE_TABLE":
            name = str(node.get("table_name", "")).lower()
            schema, catalog = node.get("schema_name") or "", node.get("catalog_name") or ""
            if schema not in ("", "main") or catalog not in ("", "memory"):
                self._refuse(node, f"{catalog}.{schema}.{name}".strip("."), "tables are named without a schema")
            if node.get("at_clause"):
                self._refuse(node, "AT", "the whole query reads the lake as of one point: choose it beside the query")
            self._check_name(node, name)
        elif kind == "TABLE_FUNCTION":
            function = node.get("function") or {}
            name = str(function.get("function_name", "")).lower()
            if name not in _TABLE_FUNCTIONS:
                self._refuse(
                    node, f"{name}()", f"this table function is not on the list; {suggest(name, TABLE_MACROS)}"
                )
            if name in TABLE_MACROS:
                self._check_name(node, _named_relation(function.get("arguments") or []))
        elif kind == "SHOW_REF" and not node.get("query"):
            self._refuse(node, "show", "DESCRIBE or SUMMARIZE one table or query instead")

    def _check_name(self, node: dict[str, Any], name: str) -> None:
        if name not in self._relations:
            self._refuse(node, name, f"there is no such table; {suggest(name, self._relations)}")

    def _refuse(self, node: dict[str, Any], what: str, rule: str) -> NoReturn:
        where = place(self._query, int(node.get("query_location") or 0), int(node.get("query_location_length") or 0))
        raise SqlRefusedError(what, rule, where)


def _named_relation(arguments: list[dict[str, Any]]) -> str:
    # by its position, and as it stands: whatever computes a name could compute another one
    first = arguments[0] if arguments else {}
    expression = first.get("expression") or {}
    if not first.get("name") and all(not argument.get("name") for argument in arguments):
        if expression.get("class") == "COLUMN_REF" and len(expression.get("column_names", ())) == 1:
            return str(expression["column_names"][0]).lower()
        literal = expression.get("literal") or {}
        if expression.get("class") == "CONSTANT" and literal.get("kind") == "STRING":
            return str(literal.get("text")).lower()
    raise SqlRefusedError(
        "the first argument", "it is the name of a table or of a WITH table, as in resample(bars, '1w')"
    )
