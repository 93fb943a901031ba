"""Read the lake of the environment until the file `stop` appears beside the ledgers; fails where a state is torn.

Argument: folder of the ledgers. Prints how many states it has read, and of how many versions.
"""

import sys
import time
from pathlib import Path

from crash_ledger import check_states, read_ledgers, states

from lake import open_lake

SQL = "SELECT instrument, session, volume, close FROM bars"
PAUSE_S = 0.1


def main(folder: str) -> None:
    lake = open_lake()
    read = newest = 0
    seen: set[int] = set()
    while not Path(folder, "stop").exists():
        before = [step for steps in read_ledgers(Path(folder)).values() for step in steps]
        version = lake.versions()["bars"]
        assert version >= newest, f"version {newest} was there, and now {version} is the newest"
        newest = version
        at = {"bars": version}
        rows = lake.scan("bars", as_of=at).select("instrument", "session", "volume", "close").collect()
        if read % 2:
            rows = lake.sql(SQL, as_of=at)
        found = states(rows)
        after = [step for steps in read_ledgers(Path(folder)).values() for step in steps]
        check_states(found, before, after)
        read += 1
        seen.add(version)
        time.sleep(PAUSE_S)
    print(read, len(seen), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
