"""Ask for files to be read into a table of the lake."""

from datetime import date
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from qbrain_core.specs.job import JobSpec, Part, known_market

__all__ = ["AdjustmentSource", "BarTime", "IngestSpec", "IngestTable"]

IngestTable = Literal[
    "bars", "bars_intraday", "instruments", "universes", "fundamentals", "valuation", "corporate_actions", "industries",
    "symbol_history", "instrument_status", "fx_rates", "interest_rates", "factor_returns", "calendar_overrides",
]  # fmt: skip
"""Tables that files are read into."""

_UNPIVOTED = {"interest_rates": "tenor", "factor_returns": "factor", "industries": "level"}


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("no such time zone is known; an IANA name is meant, such as America/New_York") from None
    return name


class BarTime(Part):
    """What the time of an intraday bar says."""

    frequency: Literal["1m", "5m", "15m", "30m", "1h"] = Field(description="Length of a bar.")
    zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC", description="Time zone of times that name none, as America/New_York; numbers since 1970 are UTC."
    )
    label: Literal["start", "end"] = Field("end", description="Whether the time is the bar's start or its end.")
    unit: Literal["clock", "s", "ms", "us", "ms_of_day"] = Field(
        "clock",
        description="clock: date and time as text or timestamp; s, ms, us: since 1970-01-01 UTC; ms_of_day: since "
        "midnight of the column (or part of the path) called session.",
    )


class AdjustmentSource(Part):
    """Second files with cumulative adjustment factors, a row only where the factor changes."""

    path: str = Field(min_length=1, description="CSV, CSV.gz or Parquet; may hold * and {instrument} as path does.")
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Ours → theirs for instrument, session (from when the factor holds) or until (up to when), factor "
        "and split_factor (multiplied), where the names differ.",
    )
    header: bool = Field(True, description="Whether a text file's first line names its columns.")


class IngestSpec(JobSpec):
    """Read files, check every row, write the good ones, quarantine the bad."""

    queue: ClassVar[str] = "data"
    timeout_s: ClassVar[int] = 3600

    kind: Literal["ingest"] = "ingest"
    path: str = Field(
        min_length=1,
        description="File to read: text (CSV, TSV; also gzipped), Parquet, or a zip or tar with one of them. In place "
        "of part of a name, * stands for anything and {instrument}, {session} … for that column of every row of the "
        "file: all matching files are read. A folder or tar in Qlib's layout is read as bars. Relative paths are "
        "relative to the spec's file.",
    )
    member: str = Field("", max_length=200, description="Which file of an archive, where it holds several.")
    market: Annotated[str, AfterValidator(known_market)] = Field(description="CN, US, HK, FX, CRYPTO or DEMO.")
    currency: str = Field("", pattern="^([A-Z]{3,5})?$", description="ISO code of the prices; empty: the market's own.")
    table: IngestTable = Field("bars", description="Table to write.")
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Ours → theirs, where the names differ: {session: date}; '=value' is the same for every row.",
    )
    header: bool = Field(True, description="Whether a text file's first line names its columns.")
    names: tuple[str, ...] = Field(
        (), description="Columns of text files in which no line names them, as when an error page took its place."
    )
    unpivot: dict[str, str] = Field(
        default_factory=dict,
        description="Columns side by side that are rows here, theirs → tenor (interest_rates: {10year: 10Y}), factor "
        "(factor_returns) or level (industries: {GICS Sector: '1'}).",
    )
    scale: dict[str, float] = Field(
        default_factory=dict,
        description="What numbers are multiplied by, by column of ours; price means all prices: {price: 0.0001}.",
    )
    time: BarTime | None = Field(None, description="What bars' times say, for table bars_intraday.")
    as_of: date | None = Field(
        None, description="Day that a file without dates describes: industries, and ST in names of instruments."
    )
    known_after_days: int | None = Field(
        None, ge=0, le=400,
        description="For fundamentals without a filing date: days after the period's end from which they are taken as "
        "known. An assumption; without it such files are refused.",
    )  # fmt: skip
    resolve_symbols: bool = Field(
        False,
        description="Whether a symbol means the instrument that traded under it in the row's session, as table "
        "symbol_history says.",
    )
    price_basis: Literal["raw", "split_adjusted"] = Field("raw", description="What the price columns are.")
    adjustments: AdjustmentSource | None = Field(None, description="Where cumulative factors come from, if files.")
    instrument_kind: Literal["stock", "etf", "index", "currency"] = Field(
        "stock", description="Kind of instruments that the file brings and `instruments` does not know yet."
    )
    universe: str = Field("", max_length=64, description="Name of the universe, for table universes.")
    extra_columns: Literal["report", "ignore"] = Field(
        "report", description="Whether columns that map to nothing are reported as a finding."
    )

    @model_validator(mode="after")
    def _says_what_its_table_needs(self) -> Self:
        if self.table == "universes" and not self.universe:
            raise ValueError("universe must be named when table is universes")
        if self.table == "bars_intraday" and self.time is None:
            raise ValueError("time must say what the bars' times mean when table is bars_intraday")
        if self.unpivot and self.table not in _UNPIVOTED:
            raise ValueError(f"unpivot is for {', '.join(_UNPIVOTED)}")
        return self

    @property
    def unpivoted(self) -> str:
        """Column that the names of unpivoted columns become."""
        return _UNPIVOTED.get(self.table, "")
