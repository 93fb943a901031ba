"""Write reported figures as the files that Qlib's point-in-time provider reads."""

import struct
from pathlib import Path

import polars as pl

NO_MORE = 0xFFFFFFFF


def write_statements(folder: Path, statements: pl.DataFrame) -> None:
    """Write `financial/<instrument>/<field>.data` and `.index` below a folder.

    FIELD.data holds (day, period, value, place of the period's next revision) in the order of the days; FIELD.index the
    first year, then the place of each period's first figure. Fields end in `_q` (quarters) or `_a` (years), as Qlib
    wants it.
    """
    ordered = statements.sort("known_at", maintain_order=True)
    for (instrument, field), rows in ordered.group_by("instrument", "field", maintain_order=True):
        place = folder / "financial" / str(instrument).lower()
        place.mkdir(parents=True, exist_ok=True)
        per_year = 4 if str(field).endswith("_q") else 1
        periods = rows["period"].to_list()
        numbers = [p // 100 * 4 + p % 100 - 1 if per_year == 4 else p for p in periods]
        first_year = min(numbers) // per_year
        index = [NO_MORE] * (max(numbers) - first_year * per_year + 1)
        records: list[list[float]] = []
        latest: dict[int, int] = {}
        for row, number in zip(rows.iter_rows(named=True), numbers, strict=True):
            at = len(records) * struct.calcsize("=IIdI")
            if number in latest:
                records[latest[number]][3] = at
            else:
                index[number - first_year * per_year] = at
            latest[number] = len(records)
            records.append([int(f"{row['known_at']:%Y%m%d}"), row["period"], row["value"], NO_MORE])
        (place / f"{field}.data").write_bytes(b"".join(struct.pack("=IIdI", *record) for record in records))
        (place / f"{field}.index").write_bytes(struct.pack(f"={len(index) + 1}I", first_year, *index))
