"""What the palette finds, and in which order."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["KINDS", "Entry", "find", "latest", "score"]

KINDS = ("instrument", "page", "run", "model", "job")
"""Kinds of entry; of two that match equally well the earlier kind comes first."""

_WITHIN, _LOOSE = 2, 4


@dataclass(frozen=True, slots=True)
class Entry:
    """A place to go to.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    href : str
        URL path, as `app.routes.href` writes it.
    icon : str
        Name of a Material symbol.
    title, detail, note : str
        What the row shows: in bold, beside it, and flush right.
    words : tuple of str
        Other texts that find it, besides title and detail.
    """

    kind: str
    href: str
    icon: str
    title: str
    detail: str = ""
    note: str = ""
    words: tuple[str, ...] = ()


def score(entry: Entry, text: str) -> int | None:
    """Judge how well an entry matches a text, in any case and width.

    Parameters
    ----------
    entry : Entry
    text : str

    Returns
    -------
    int or None
        0: title or a word of its own is this; 1: starts so; 2: a word within starts so, or the detail does; 3: contains
        it; 4: contains every part of it, at various places; None: no match.
    """
    wanted = _fold(text)
    detail, *own = (_fold(known) for known in (entry.detail, entry.title, *entry.words))
    ranks = [rank for known in own if (rank := _rank(known, wanted)) is not None]
    if (rank := _rank(detail, wanted)) is not None:
        ranks.append(max(rank, _WITHIN))
    if not ranks and all(any(part in known for known in (detail, *own)) for part in wanted.split()):
        return _LOOSE
    return min(ranks, default=None)


def find(instruments: Sequence[Entry], others: Iterable[Entry], text: str, *, limit: int = 6) -> list[Entry]:
    """Merge what was found into one list, kind by kind, the best match first.

    Parameters
    ----------
    instruments : sequence of Entry
        Already found and ranked by the lake: all are kept in their order.
    others : iterable of Entry
        Candidates, newest first within a kind.
    text : str
        Not empty.
    limit : int
        Entries of a kind at most.

    Returns
    -------
    list of Entry
        Entries of a kind stand together; the kind with the best match comes first, of equals the earlier of `KINDS`.
    """
    kinds: dict[str, list[tuple[int, Entry]]] = {}
    for entry in instruments:
        rank = score(entry, text)
        kinds.setdefault(entry.kind, []).append((_LOOSE if rank is None else rank, entry))
    candidates = [(rank, e) for e in others if (rank := score(e, text)) is not None]
    for rank, entry in sorted(candidates, key=lambda c: c[0]):
        kinds.setdefault(entry.kind, []).append((rank, entry))
    order = sorted(kinds, key=lambda kind: (min(rank for rank, _ in kinds[kind]), KINDS.index(kind)))
    return [entry for kind in order for _, entry in kinds[kind][:limit]]


def latest(entries: Iterable[Entry], *, limit: int = 3) -> list[Entry]:
    """Choose what a palette shows before anything is typed: what is new, then every page.

    Parameters
    ----------
    entries : iterable of Entry
        Newest first within a kind.
    limit : int
        Entries of a kind at most, pages excepted.

    Returns
    -------
    list of Entry
        Runs, models, jobs, pages.
    """
    kinds: dict[str, list[Entry]] = {kind: [] for kind in ("run", "model", "job", "page")}
    for entry in entries:
        kinds[entry.kind].append(entry)
    return [entry for kind, found in kinds.items() for entry in (found if kind == "page" else found[:limit])]


def _rank(known: str, wanted: str) -> int | None:
    at = known.find(wanted)
    if at < 0:
        return None
    if at == 0:
        return 0 if known == wanted else 1
    while at > 0:
        if not known[at - 1].isalnum():
            return _WITHIN
        at = known.find(wanted, at + 1)
    return 3


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
