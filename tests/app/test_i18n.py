import ast
import string
from collections import defaultdict
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import app
from app.i18n import LANGUAGES, catalogue, negotiate, translate
from lake.tables import TABLES
from qbrain_core.evaluation.conventions import CONVENTIONS

APP = Path(app.__file__).parent


def _literals() -> dict[str, str]:
    found = {}
    for path in sorted(APP.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("t", "mark"):
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found[first.value] = f"{path.relative_to(APP)}:{node.lineno}"
    return found


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_catalogue_every_text_of_the_sources_is_translated():
    known = catalogue("zh")
    missing = {text: place for text, place in _literals().items() if text not in known}
    assert not missing


def test_catalogue_translations_keep_their_placeholders():
    wrong = {en: zh for en, zh in catalogue("zh").items() if _placeholders(en) != _placeholders(zh)}
    assert not wrong


def test_catalogue_fragments_agree_with_each_other():
    said = defaultdict(set)
    for path in sorted((APP / "i18n" / "zh").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="zh"):
                if message.id:
                    said[message.id].add(message.string)
    assert {en: zh for en, zh in said.items() if len(zh) > 1} == {}


def test_translate_fills_placeholders_in_both_languages():
    assert translate("Data as of {session}", "en", session="2025-01-02") == "Data as of 2025-01-02"
    assert translate("Data as of {session}", "zh", session="2025-01-02") == "数据截至 2025-01-02"


def test_translate_of_an_unknown_text_is_the_text():
    assert translate("no such text {n}", "zh", n=3) == "no such text 3"


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("zh-CN", "zh"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh"),
        ("fr-FR,en;q=0.5", "en"),
        ("de", "en"),
        (None, "en"),
        ("", "en"),
    ],
)
def test_negotiate_takes_the_first_language_that_exists(accepted, expected):
    assert negotiate(accepted) == expected
    assert expected in LANGUAGES


def test_catalogue_every_sentence_of_the_tables_is_translated():
    known = catalogue("zh")
    texts = {text for table in TABLES.values() for c in table.columns for text in (c.sentence, c.unit, table.sentence)}
    assert {text for text in texts if text and text not in known} == set()


def test_catalogue_every_convention_of_an_evaluation_is_translated():
    assert {text for text in CONVENTIONS.values() if text not in catalogue("zh")} == set()
