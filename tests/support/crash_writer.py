"""Write to the lake of the environment until killed: appends, upserts, replacements, deletions, compaction.

Arguments: name of the writer, seed, folder of the ledgers, how many steps at most.
"""

import random
import sys
from pathlib import Path

from crash_ledger import MARKETS, Ledger, rows_of

from lake import Lake, open_lake
from lake.compaction import compact

DOES = ("append", "upsert", "replace", "delete", "compact")
WEIGHTS = (8, 5, 2, 2, 1)


def write(lake: Lake, job: str, does: str, batch: str, number: int) -> int:
    """Do one step; gives the version after it."""
    with lake.commit(job, 1) as tx:
        rows = rows_of(batch, number)
        if does in ("append", "upsert"):
            tx.upsert("bars", rows)
        for market in MARKETS:
            name = f"{batch}.{market}"
            if does == "replace":
                tx.replace("bars", rows.filter(instrument=name), where={"instrument": name})
            if does == "delete":
                tx.delete("bars", where={"instrument": name})
    return tx.versions["bars"]


def main(writer: str, seed: str, folder: str, steps: str) -> None:
    chance = random.Random(seed)
    ledger = Ledger(Path(folder), writer)
    lake = open_lake()
    print("ready", flush=True)
    alive: list[str] = []
    for number in range(1, int(steps) + 1):
        does = chance.choices(DOES, WEIGHTS)[0] if alive else "append"
        if does == "compact":
            compact(lake, ["bars"], min_files=4)
            continue
        batch = f"{writer}N{number}" if does == "append" else chance.choice(alive)
        ledger.begin(number, does, batch)
        print("begun", flush=True)
        ledger.done(number, write(lake, f"{writer}-{number}", does, batch, number))
        if does == "append":
            alive.append(batch)
        if does == "delete":
            alive.remove(batch)


if __name__ == "__main__":
    main(*sys.argv[1:])
