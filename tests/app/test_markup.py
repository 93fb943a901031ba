import re

from app import markup
from app.markup import Badge, Kpi

HOSTILE = '<img src=x onerror="alert(1)">'


def _tags(html: str) -> set[str]:
    return set(re.findall(r"<\s*([a-z0-9]+)", html))


def test_every_piece_escapes_what_it_is_given():
    pieces = [
        markup.title_row(HOSTILE, HOSTILE, [Badge(HOSTILE, HOSTILE, HOSTILE)]),
        markup.section_row(HOSTILE, HOSTILE),
        markup.kpi_strip([Kpi(HOSTILE, HOSTILE, HOSTILE, 1.0, HOSTILE)]),
        markup.empty(HOSTILE, HOSTILE),
        markup.notice(HOSTILE, HOSTILE, HOSTILE, tone=HOSTILE),
        markup.table([HOSTILE], []),
        markup.text(HOSTILE),
    ]
    for piece in pieces:
        assert "img" not in _tags(piece)
        assert 'onerror="' not in piece


def test_kpi_strip_colours_by_sign_only():
    html = markup.kpi_strip([Kpi("a", "1", trend=1), Kpi("b", "2", trend=-1), Kpi("c", "3")])
    assert re.findall(r'qb-value( qb-\w+)?"', html) == [" qb-up", " qb-down", ""]


def test_table_sets_the_named_columns_flush_right():
    html = markup.table(["x", "y"], [("1", "2")], right=(1,))
    assert '<td>1</td><td class="qb-right">2</td>' in html
    assert '<th>x</th><th class="qb-right">y</th>' in html
