"""Write a factor set as YAML and read it back: how sets travel between installations and into version control."""

from typing import Any

import yaml

from qbrain_core.errors import InvalidInputError, suggest
from qbrain_core.factors.sets import FactorSet, validate_set

__all__ = ["read_set", "write_set"]

_FIELDS = ("name", "description", "author", "visibility", "expressions")
_VISIBILITIES = ("private", "team", "public")


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: YAML would silently keep the last."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a name is one word", key.start_mark)
        if key.value in seen:
            raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands there twice", key.start_mark)
        seen.add(key.value)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def write_set(factors: FactorSet) -> str:
    """Write a set as YAML.

    Parameters
    ----------
    factors : FactorSet

    Returns
    -------
    str
        `read_set` of it gives a set of the same digest. Owner and version are the installation's and stay there.
    """
    document = {
        "name": factors.name,
        "description": factors.description,
        "author": factors.author,
        "visibility": factors.visibility,
        "expressions": dict(factors.expressions),
    }
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=4096))


def read_set(text: str, *, owner: str, name: str = "") -> FactorSet:
    """Read a set from YAML or JSON.

    Parameters
    ----------
    text : str
        A mapping of `name`, `expressions` (factor name → expression) and, if wanted, `description`, `author` and
        `visibility`.
    owner : str
        User it is to belong to.
    name : str
        What to call it; empty: as the text says.

    Returns
    -------
    FactorSet
        Checked by `validate_set`; private where the text does not say.

    Raises
    ------
    InvalidInputError
        If the text is not YAML or no such mapping, or the set cannot be used.
    """
    try:
        document = yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the text"
        problem = getattr(error, "problem", None) or "not YAML"
        raise InvalidInputError("factor set", where, f"it is not valid YAML there: {problem}") from None
    if not isinstance(document, dict):
        raise InvalidInputError("factor set", str(document)[:40], f"it is a mapping of {', '.join(_FIELDS)}")
    for field in document:
        if field not in _FIELDS:
            raise InvalidInputError(str(field), "…", f"there is no such field here; {suggest(str(field), _FIELDS)}")
    expressions = document.get("expressions")
    if not isinstance(expressions, dict):
        raise InvalidInputError("expressions", expressions, "it is a mapping of factor names to expressions")
    for factor, expression in expressions.items():
        if not isinstance(expression, str | int | float):
            raise InvalidInputError(f"expressions.{factor}", type(expression).__name__, "an expression is text")
    words: dict[str, Any] = {"name": name or document.get("name"), "visibility": "private"}
    words |= {f: document[f] for f in ("description", "author", "visibility") if document.get(f) is not None}
    for field, word in words.items():
        if not isinstance(word, str):
            raise InvalidInputError(field, word, "it should be text")
    if words["visibility"] not in _VISIBILITIES:
        raise InvalidInputError("visibility", words["visibility"], f"it must be one of {', '.join(_VISIBILITIES)}")
    factors = FactorSet(
        words["name"],
        {str(factor): str(expression) for factor, expression in expressions.items()},
        description=words.get("description", ""),
        author=words.get("author", ""),
        owner=owner,
        visibility=words["visibility"],
    )
    validate_set(factors)
    return factors
