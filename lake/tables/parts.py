"""Types and columns that many declarations share."""

import pyarrow as pa

__all__ = [
    "BOOL", "DATE", "F32", "F64", "I32", "I64", "INSTANT", "INSTRUMENT", "MARKET", "MONTH", "OWNER", "RUN", "SESSION",
    "TEXT", "VISIBILITY", "YEAR",
]  # fmt: skip

TEXT, DATE, F64, F32, I32, I64, BOOL = (
    pa.string(), pa.date32(), pa.float64(), pa.float32(), pa.int32(), pa.int64(), pa.bool_(),
)  # fmt: skip
INSTANT = pa.timestamp("us", tz="UTC")

INSTRUMENT = ("instrument", TEXT, "Instrument id, TICKER.MARKET.")
SESSION = ("session", DATE, "Trading day on the market's calendar.")
YEAR = ("year", I32, "Calendar year of the session.")
MARKET = ("market", TEXT, "Market code.")
OWNER = ("owner", TEXT, "User it belongs to.")
VISIBILITY = ("visibility", TEXT, "Who else may see it: private, team or public.")
RUN = ("run_id", TEXT, "Backtest run: the id of its job.")
MONTH = ("month", TEXT, "Month the run was made, YYYY-MM (UTC).")
