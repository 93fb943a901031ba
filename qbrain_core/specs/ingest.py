"""Ask for a file to be read into a table of the lake."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from qbrain_core.specs.job import JobSpec, Part, known_market

__all__ = ["AdjustmentSource", "IngestSpec"]


class AdjustmentSource(Part):
    """A second file with cumulative adjustment factors, a row only where the factor changes."""

    path: str = Field(min_length=1, description="CSV, CSV.gz or Parquet file.")
    columns: dict[str, str] = Field(
        default_factory=dict, description="Ours → theirs for instrument, session, factor, where the names differ."
    )


class IngestSpec(JobSpec):
    """Read one file (CSV, CSV.gz, TSV, Parquet), check every row, write the good ones, quarantine the bad."""

    queue: ClassVar[str] = "data"
    timeout_s: ClassVar[int] = 3600

    kind: Literal["ingest"] = "ingest"
    path: str = Field(min_length=1, description="File to read; relative paths are relative to the spec's file.")
    market: Annotated[str, AfterValidator(known_market)] = Field(description="CN, US, HK, FX, CRYPTO or DEMO.")
    currency: str = Field("", pattern="^([A-Z]{3,5})?$", description="ISO code of the prices; empty: the market's own.")
    table: Literal["bars", "instruments", "universes"] = Field("bars", description="Table to write.")
    columns: dict[str, str] = Field(
        default_factory=dict, description="Ours → theirs, where the names differ: {'session': 'date'}."
    )
    header: bool = Field(True, description="Whether a text file's first line names its columns.")
    price_basis: Literal["raw", "split_adjusted"] = Field("raw", description="What the price columns are.")
    adjustments: AdjustmentSource | None = Field(None, description="Where cumulative factors come from, if a file.")
    instrument_kind: Literal["stock", "etf", "index"] = Field(
        "stock", description="Kind of instruments that the file brings and `instruments` does not know yet."
    )
    universe: str = Field("", max_length=64, description="Name of the universe, for table universes.")
    extra_columns: Literal["report", "ignore"] = Field(
        "report", description="Whether columns that map to nothing are reported as a finding."
    )

    @model_validator(mode="after")
    def _universe_is_named(self) -> Self:
        if self.table == "universes" and not self.universe:
            raise ValueError("universe must be named when table is universes")
        return self
