"""Claim: search over 15,000 instruments answers within 30 ms in 99 of 100 cases, also where the text holds a slip.

A made-up market of A-shares and US stocks: codes, English and Chinese names, pinyin initials. Each query is what
somebody would type to find one planted instrument: its code, the beginning of a name, a name, a part of it, its
pinyin or initials, or one of these with a slip (a character wrong, missing or too many, two neighbours swapped). The
peer reads the same texts one by one: what contains the query, and where that are fewer than five, also what RapidFuzz
says is one slip away (`OSA`). It knows no order; all it finds must be found here, too (where it is not more than are
asked for), and the planted instrument must be among the first five, unless the peer says that five others fit as
well. The peer is asked every fifth query, and where the planted instrument is not among the first five. Times are of
a warm process; the first call is printed beside them, and the processor time, which a busy machine does not stretch.

python bench/search.py [--names 15000] [--queries 2400] [--full]
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from made.names import instruments
from made.timing import load
from rapidfuzz import process
from rapidfuzz.distance import OSA

from lake import Lake, open_lake
from qbrain_core.names import is_chinese, pinyin_syllables
from qbrain_core.settings import Settings

P99_MS, FIRST, LIMIT = 30.0, 5, 50
TEXTS = ("ticker", "name_en", "name_zh", "pinyin", "glued", "spelled")


def slip(text: str, draw: np.random.Generator) -> str:
    place, kind = int(draw.integers(1, len(text))), int(draw.integers(4))  # people get the first character right
    if kind == 0 and place + 1 < len(text):
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    other = str(draw.choice(list("恒泰信安达" if text[place] > "\u3000" else "aeinorst")))
    return text[:place] + ("" if kind == 1 else other) + text[place + (kind != 2) :]


def queries(names: pl.DataFrame, n: int, draw: np.random.Generator) -> list[tuple[str, str, str]]:
    """Kind of query, text, instrument it is meant to find; every kind equally often."""
    chinese, foreign = (list(names.filter(c).iter_rows(named=True)) for c in
                        (pl.col("name_zh").is_not_null(), pl.col("name_zh").is_null()))  # fmt: skip
    texts = {
        "code": (chinese + foreign, lambda row: row["ticker"].lower()),
        "code as vendors write it": (chinese, lambda row: row["instrument"][-2:] + row["ticker"]),
        "Chinese name": (chinese, lambda row: row["name_zh"]),
        "Chinese, inside": (chinese, lambda row: row["name_zh"][1:]),
        "pinyin initials": (chinese, lambda row: row["pinyin"].lower()),
        "pinyin": (chinese, lambda row: "".join(pinyin_syllables(row["name_zh"]))),
        "English name": (foreign, lambda row: row["name_en"]),
        "English, beginning": (foreign, lambda row: row["name_en"][: max(5, len(row["name_en"]) * 2 // 3)].lower()),
    }
    slips = {
        "slip, Chinese name": ([r for r in chinese if len(r["name_zh"]) > 3], texts["Chinese name"][1]),
        "slip, pinyin": texts["pinyin"],
        "slip, English name": texts["English name"],
        "slip, vendor's code": texts["code as vendors write it"],
    }
    asked = []
    for kind, (rows, write) in (texts | slips).items():
        for at in draw.integers(0, len(rows), n // len(texts | slips)):
            text = write(rows[at])
            asked.append((kind, slip(text, draw) if kind in slips else text, rows[at]["instrument"]))
    return asked


class Peer:
    """The same question, asked of one text after the other."""

    def __init__(self, names: pl.DataFrame) -> None:
        spelled = ["".join(pinyin_syllables(name)) if name else None for name in names["name_zh"]]
        glued = pl.col("instrument").str.split(".").list.last() + pl.col("ticker")
        frame = names.with_columns(glued=glued, spelled=pl.Series(spelled, dtype=pl.String))
        texts = frame.unpivot(TEXTS, index="instrument").drop_nulls("value")
        self.owners, self.texts = texts["instrument"].to_list(), [text.lower() for text in texts["value"]]
        self.parts = texts["variable"].is_in(["glued", "spelled"]).not_().to_list()  # of these the beginning counts
        self.whole = set(self.texts)

    def knows(self, text: str) -> bool:
        """Tell whether a text is one of theirs as it stands: then no slip is meant."""
        return text.lower() in self.whole

    def find(self, text: str) -> set[str]:
        """Find the instruments with a text that contains this one, or nearly is it."""
        wanted = text.lower()
        texts = zip(self.owners, self.texts, self.parts, strict=True)
        found = {owner for owner, known, part in texts if wanted in known and (part or known.startswith(wanted))}
        if len(found) < FIRST and not self.knows(text) and len(text) >= (3 if is_chinese(text) else 4):
            near = process.extract_iter(wanted, self.texts, scorer=OSA.distance, score_cutoff=1)
            found |= {self.owners[place] for _, _, place in near}
        return found


def measure(lake: Lake, names: pl.DataFrame, asked: list[tuple[str, str, str]]) -> dict[str, object]:
    peer = Peer(names)
    start = time.perf_counter()
    lake.search("first")
    first_ms = (time.perf_counter() - start) * 1000
    rows, worked_ms, lost, late, ambiguous = [], [], [], [], 0
    for number, (kind, text, wanted) in enumerate(asked):
        start, worked = time.perf_counter(), time.process_time()
        found = lake.search(text, limit=LIMIT)["instrument"].to_list()
        ours = (time.perf_counter() - start) * 1000
        worked_ms.append((time.process_time() - worked) * 1000)
        if number % 5 and wanted in found[:FIRST]:
            rows.append((kind, ours, None))
            continue
        start = time.perf_counter()
        known = peer.find(text)
        rows.append((kind, ours, (time.perf_counter() - start) * 1000))
        lost += [f"{text!r}: {known - set(found)}"] if len(known) <= LIMIT and known - set(found) else []
        if wanted not in found[:FIRST]:
            another = len(known - {wanted}) >= FIRST or peer.knows(text)  # fits others as well, or exactly one of them
            ambiguous += another
            late += [] if another else [f"{kind} {text!r} for {wanted}"]
    table = pl.DataFrame(rows, schema=["kind", "ours", "peer"], orient="row")
    print(f"{'query':28}{'p50 ms':>9}{'p99 ms':>9}{'peer p50':>11}")
    middle, last = pl.col("ours").median().alias("p50"), pl.col("ours").quantile(0.99).alias("p99")
    each = table.group_by("kind", maintain_order=True).agg(middle, last, pl.col("peer").median())
    for kind, *ms in each.iter_rows():
        print(f"{kind:28}{ms[0]:9.1f}{ms[1]:9.1f}{ms[2]:11.1f}")
    for what, texts in (("found by the peer, not here", lost), (f"not among the first {FIRST}", late)):
        print("".join(f"{what}: {text}\n" for text in texts[:10]), end="")
    whole = table.select(middle, last, worst=pl.col("ours").max(), peer=pl.col("peer").median()).row(0, named=True)
    figures = {"first": first_ms, **{name: whole[name] for name in ("p50", "p99", "worst")},
               "cpu_p99": np.quantile(worked_ms, 0.99)}  # fmt: skip
    return {
        "names": names.height, "queries": len(asked), **{f"{name}_ms": round(ms, 2) for name, ms in figures.items()},
        "ratio_to_peer_p50": round(whole["p50"] / whole["peer"], 2), "lost": len(lost), "not_in_first_5": len(late),
        "ambiguous": ambiguous, "load": load(),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=15_000)
    parser.add_argument("--queries", type=int, default=2_400)
    parser.add_argument("--full", action="store_true", help="ten times the queries")
    given = parser.parse_args()
    draw = np.random.default_rng(7)
    names = instruments(given.names, draw)
    asked = queries(names, given.queries * (10 if given.full else 1), draw)
    with tempfile.TemporaryDirectory() as home:
        lake = open_lake(Settings(env="test", home=Path(home)))
        with lake.commit("names", 1) as transaction:
            transaction.upsert("instruments", names)
        result = measure(lake, names, asked)
    held = result["p99_ms"] < P99_MS and not result["not_in_first_5"] and not result["lost"]
    print(json.dumps(result | {"held": held}))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
