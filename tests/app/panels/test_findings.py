from app.i18n import catalogue
from app.panels.findings import CHECKS, findings_table
from lake import quality


def _say(text, **values):
    return text.format(**values) if values else text


def test_every_check_of_the_lake_is_explained_in_both_languages():
    known = catalogue("zh")
    assert set(CHECKS) == set(quality.CHECKS)
    assert {name for name, sentence in CHECKS.items() if sentence not in known} == set()


def test_findings_table_puts_errors_first_and_shows_examples():
    findings = [
        {"check": "large_move", "severity": "warning", "rows": 9000, "examples": []},
        {"check": "null_price", "severity": "error", "rows": 3,
         "examples": [{"row": 7, "instrument": "000001.SZ", "session": "2020-12-31", "close": None}]},
    ]  # fmt: skip
    html = findings_table(findings, _say)
    assert html.index("null_price") < html.index("large_move")
    assert "000001.SZ · 2020-12-31 · close –" in html
    assert "9,000" in html
