"""Every table of the lake, declared once: key, partitions, order, units, and a sentence per column."""

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from qbrain_core.errors import InvalidInputError, UnknownNameError

__all__ = ["FACTOR_PREFIX", "TABLES", "Column", "Table", "factor_table", "table"]

FACTOR_PREFIX = "factors/"
"""Names of factor tables start so: `factors/<set>-<hash8>`."""

_TEXT, _DATE, _F64, _F32, _I32, _I64, _BOOL = (
    pa.string(), pa.date32(), pa.float64(), pa.float32(), pa.int32(), pa.int64(), pa.bool_(),
)  # fmt: skip
_INSTANT = pa.timestamp("us", tz="UTC")
_DETERMINED_BY = {"market": "instrument", "year": "session", "known_year": "known_at"}  # partition ← key column


@dataclass(frozen=True, slots=True)
class Column:
    """One column: name, Arrow type, unit ("" for none), a sentence, and whether it may be null."""

    name: str
    type: pa.DataType
    sentence: str
    unit: str = ""
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes
    ----------
    name : str
        Path below the lake's root, and name of its SQL view (`/` and `-` become `_` there).
    sentence : str
        What one row is.
    columns : tuple of Column
    key : tuple of str
        No two rows agree in all of these.
    partitions : tuple of str
        Hive partition columns, outermost first.
    sort : tuple of str
        Order of rows within a file.
    """

    name: str
    sentence: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partitions: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = {c.name for c in self.columns}
        for group in (self.key, self.partitions, self.sort):
            for name in group:
                if name not in names:
                    raise InvalidInputError(f"table {self.name}", name, "it is not one of the table's columns")

    @cached_property
    def schema(self) -> pa.Schema:
        """Arrow schema, partition columns included."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])

    @property
    def key_partitions(self) -> list[str]:
        """Partition columns that two rows of one key cannot differ in."""
        return [name for name in self.partitions if name in self.key or _DETERMINED_BY.get(name) in self.key]

    @property
    def view(self) -> str:
        """Name of the SQL view over this table."""
        return self.name.replace("/", "_").replace("-", "_")


def _columns(*rows: tuple[str, pa.DataType, str] | tuple[str, pa.DataType, str, str]) -> tuple[Column, ...]:
    # a trailing "?" on the name marks a column that may be null
    return tuple(
        Column(r[0].rstrip("?"), r[1], r[2], r[3] if len(r) > 3 else "", nullable=r[0].endswith("?")) for r in rows
    )


_INSTRUMENT = ("instrument", _TEXT, "Instrument id, TICKER.MARKET.")
_SESSION = ("session", _DATE, "Trading day on the market's calendar.")
_MARKET = ("market", _TEXT, "Market code.")
_OWNER = ("owner", _TEXT, "User it belongs to.")
_VISIBILITY = ("visibility", _TEXT, "Who else may see it: private, team or public.")
_RUN = ("run_id", _TEXT, "Backtest run: the id of its job.")
_MONTH = ("month", _TEXT, "Month the run was made, YYYY-MM (UTC).")

TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        Table(
            "instruments", "A listed security or index.",
            _columns(
                _INSTRUMENT, _MARKET,
                ("ticker", _TEXT, "Code without the market."),
                ("kind", _TEXT, "stock, etf or index."),
                ("name_en?", _TEXT, "Name in English."),
                ("name_zh?", _TEXT, "Name in Chinese."),
                ("pinyin?", _TEXT, "Initials of the Chinese name, upper case, for search."),
                ("sector?", _TEXT, "Sector, in the source's own words."),
                ("industry?", _TEXT, "Industry within the sector."),
                ("exchange?", _TEXT, "Listing exchange (MIC)."),
                ("currency", _TEXT, "Currency of its prices, ISO 4217."),
                ("lot", _I32, "Shares in a board lot.", "shares"),
                ("listed?", _DATE, "First session, where the source says."),
                ("delisted?", _DATE, "Last session, null while listed."),
            ),
            key=("instrument",), partitions=("market",), sort=("instrument",),
        ),
        Table(
            "bars", "One session of one instrument, at the source's price basis.",
            _columns(
                _INSTRUMENT, _SESSION, _MARKET,
                ("year", _I32, "Calendar year of the session."),
                ("open?", _F64, "First price; null on a halt without prices.", "currency"),
                ("high?", _F64, "Highest price.", "currency"),
                ("low?", _F64, "Lowest price.", "currency"),
                ("close?", _F64, "Last price.", "currency"),
                ("volume?", _F64, "Shares traded.", "shares"),
                ("amount?", _F64, "Value traded; null where the source has none.", "currency"),
                ("factor", _F64, "Cumulative adjustment, 1 at the first bar: adjusted = price × factor."),
                ("halted", _BOOL, "No trading in this session."),
                ("limit_up?", _F64, "Highest price the exchange allowed; null where there is no limit.", "currency"),
                ("limit_down?", _F64, "Lowest price the exchange allowed; null where there is no limit.", "currency"),
                ("special_treatment?", _BOOL, "Under special treatment (ST) in this session; null where unknown."),
                ("price_basis", _TEXT, "raw or split_adjusted."),
            ),
            key=("instrument", "session"), partitions=("market", "year"), sort=("instrument", "session"),
        ),
        Table(
            "corporate_actions", "A dividend, split or other event that moves the adjustment factor.",
            _columns(
                _INSTRUMENT, ("session", _DATE, "Ex-date."), _MARKET,
                ("action", _TEXT, "dividend, split or adjustment (a factor step of unstated cause)."),
                ("value", _F64, "Dividend: currency per share; split: new shares per old; adjustment: factor step."),
                ("factor_step?", _F64, "Factor after ÷ factor before, where known."),
            ),
            key=("instrument", "session", "action"), partitions=("market",), sort=("instrument", "session"),
        ),
        Table(
            "fundamentals", "Figures of one reporting period as one filing gave them.",
            _columns(
                _INSTRUMENT, _MARKET,
                ("item_set", _TEXT, "Which figures: quarterly or annual."),
                ("period_end", _DATE, "Last day of the reporting period."),
                ("known_at", _DATE, "Day the figures became public; nothing may use them before."),
                ("known_year", _I32, "Calendar year of known_at."),
                ("revenue?", _F64, "Revenue of the period.", "currency"),
                ("operating_income?", _F64, "Operating income of the period.", "currency"),
                ("net_income?", _F64, "Net income of the period.", "currency"),
                ("eps?", _F64, "Basic earnings per share of the period.", "currency"),
                ("assets?", _F64, "Total assets at the period's end.", "currency"),
                ("liabilities?", _F64, "Total liabilities at the period's end.", "currency"),
                ("equity?", _F64, "Shareholders' equity at the period's end.", "currency"),
                ("operating_cash_flow?", _F64, "Cash from operations in the period.", "currency"),
                ("shares?", _F64, "Shares outstanding at the period's end.", "shares"),
            ),
            key=("instrument", "item_set", "period_end", "known_at"), partitions=("known_year",),
            sort=("instrument", "period_end", "known_at"),
        ),
        Table(
            "universes", "A spell of one instrument in one universe.",
            _columns(
                ("universe", _TEXT, "Name of the universe."), _INSTRUMENT,
                ("start", _DATE, "First session of the spell."),
                ("end?", _DATE, "Last session of the spell, inclusive; null while it lasts."),
            ),
            key=("universe", "instrument", "start"), sort=("universe", "instrument", "start"),
        ),
        Table(
            "predictions", "A model version's score of one instrument on one session.",
            _columns(
                ("model", _TEXT, "Registered model's name."),
                ("version", _I32, "Version of the model."),
                _INSTRUMENT,
                ("session", _DATE, "Session whose close the score knows; it trades at the next open."),
                ("year", _I32, "Calendar year of the session."),
                ("score", _F64, "Higher is better."),
            ),
            key=("model", "version", "instrument", "session"), partitions=("model", "year"),
            sort=("version", "session", "instrument"),
        ),
        Table(
            "backtest_runs", "A finished backtest: what it was and its key figures; written last.",
            _columns(
                _RUN, _MONTH, _OWNER, _VISIBILITY,
                ("created_at", _INSTANT, "When it was written."),
                ("name", _TEXT, "What people call it."),
                _MARKET,
                ("model", _TEXT, "Model whose scores were traded."),
                ("version", _I32, "Version of that model."),
                ("benchmark?", _TEXT, "Instrument id of the benchmark."),
                ("start", _DATE, "First session."), ("end", _DATE, "Last session."),
                ("spec", _TEXT, "The job's spec, JSON."),
                ("pins", _TEXT, "Table versions read, JSON."),
                ("code_hash", _TEXT, "Package version and digest of the core's sources."),
                ("metrics", _TEXT, "Key figures by name, JSON; decimal fractions."),
                ("caveats", _TEXT, "What the data cannot support, JSON list of {code, params}."),
            ),
            key=("run_id",), partitions=("month",), sort=("run_id",),
        ),
        Table(
            "backtest_equity", "One session of one run.",
            _columns(
                _RUN, _MONTH, _SESSION,
                ("equity", _F64, "Cash plus positions at the close.", "currency"),
                ("cash", _F64, "Cash at the close.", "currency"),
                ("positions_value", _F64, "Positions at the close.", "currency"),
                ("n_positions", _I32, "Instruments held at the close."),
                ("fees", _F64, "Commission and duty paid in the session.", "currency"),
                ("slippage", _F64, "Slippage paid in the session.", "currency"),
                ("turnover", _F64, "Value bought and sold ÷ equity of the session before.", "fraction"),
                ("net_return", _F64, "Return after all costs.", "fraction"),
                ("gross_return", _F64, "Return before fees and slippage.", "fraction"),
                ("benchmark_return?", _F64, "Return of the benchmark, close to close.", "fraction"),
            ),
            key=("run_id", "session"), partitions=("month",), sort=("run_id", "session"),
        ),
        Table(
            "backtest_positions", "A position held at one close of one run.",
            _columns(
                _RUN, _MONTH, _SESSION, _INSTRUMENT,
                ("shares", _F64, "Shares held, in the bars' own basis.", "shares"),
                ("price", _F64, "Close, in the bars' own basis.", "currency"),
                ("value", _F64, "Worth at the close, adjusted.", "currency"),
                ("weight", _F64, "Value ÷ equity.", "fraction"),
            ),
            key=("run_id", "session", "instrument"), partitions=("month",), sort=("run_id", "session", "instrument"),
        ),
        Table(
            "backtest_fills", "An order that was filled, wholly or partly.",
            _columns(
                _RUN, _MONTH, ("order_id", _I64, "Number of the order within the run."), _SESSION, _INSTRUMENT,
                ("side", _TEXT, "buy or sell."),
                ("reason", _TEXT, "Why it was sent: enter, drop, stop, delisted."),
                ("phase", _TEXT, "open or intraday."),
                ("shares", _F64, "Shares filled, in the bars' own basis.", "shares"),
                ("price", _F64, "Fill price after slippage, in the bars' own basis.", "currency"),
                ("factor", _F64, "Adjustment factor of the session: units held = shares ÷ factor."),
                ("value", _F64, "Shares × price.", "currency"),
                ("fees", _F64, "Commission and duty.", "currency"),
                ("slippage", _F64, "Cost against the unslipped price.", "currency"),
            ),
            key=("run_id", "order_id"), partitions=("month",), sort=("run_id", "order_id"),
        ),
        Table(
            "backtest_rejections", "An order, or the rest of one, that was not filled, and why.",
            _columns(
                _RUN, _MONTH, ("order_id", _I64, "Number of the order within the run."), _SESSION, _INSTRUMENT,
                ("side", _TEXT, "buy or sell."),
                ("reason", _TEXT, "limit_up, limit_down, halt, t_plus_1, lot, cash or no_bar."),
                ("phase", _TEXT, "open or intraday."),
                ("shares", _F64, "Shares asked for and not filled.", "shares"),
                ("price?", _F64, "Price it would have had, null where there was none.", "currency"),
                ("detail", _TEXT, "The numbers that decided."),
            ),
            key=("run_id", "order_id"), partitions=("month",), sort=("run_id", "order_id"),
        ),
        Table(
            "findings", "Something noticed about the data of one ingest.",
            _columns(
                ("job_id", _TEXT, "Ingest job."),
                ("check", _TEXT, "Name of the check."),
                ("severity", _TEXT, "error (rows were quarantined) or warning."),
                ("table", _TEXT, "Table the rows were meant for."),
                ("source", _TEXT, "File name."),
                ("rows", _I64, "Rows concerned."),
                ("examples", _TEXT, "Up to five of them, JSON."),
                ("created_at", _INSTANT, "When it was noticed."),
            ),
            key=("job_id", "check"), sort=("job_id", "check"),
        ),
        Table(
            "quarantine", "A row that was not let in.",
            _columns(
                ("job_id", _TEXT, "Ingest job."),
                ("row", _I64, "Number of the row in the file, from 1."),
                ("check", _TEXT, "Name of the check that refused it."),
                ("table", _TEXT, "Table it was meant for."),
                ("source", _TEXT, "File name."),
                ("content", _TEXT, "The row as read, JSON."),
                ("created_at", _INSTANT, "When it was refused."),
            ),
            key=("job_id", "row"), sort=("job_id", "row"),
        ),
        Table(
            "job_events", "A live event of a finished job, archived.",
            _columns(
                ("job_id", _TEXT, "Job."), _MONTH,
                ("seq", _I64, "Order within the job."),
                ("attempt", _I32, "Attempt that published it."),
                ("ts", _INSTANT, "When."),
                ("type", _TEXT, "state, stage, metric or log."),
                ("payload", _TEXT, "The event's fields, JSON."),
            ),
            key=("job_id", "seq"), partitions=("month",), sort=("job_id", "seq"),
        ),
    )
}  # fmt: skip
"""Tables by name; factor tables are made by `factor_table`."""


def factor_table(factor_set: str, digest: str, columns: tuple[str, ...]) -> Table:
    """Declare the table of one version of a factor set.

    Parameters
    ----------
    factor_set : str
        Name of the set.
    digest : str
        Hash of its expressions; the first eight characters name the table.
    columns : tuple of str
        Factor names, in order.

    Returns
    -------
    Table
        `factors/<set>-<hash8>`; one float32 column per factor, null where the factor has no value.
    """
    fixed = _columns(_INSTRUMENT, _SESSION, _MARKET, ("year", _I32, "Calendar year of the session."))
    values = tuple(Column(name, _F32, "Factor value.", nullable=True) for name in columns)
    return Table(
        f"{FACTOR_PREFIX}{factor_set}-{digest[:8]}", f"Factors {factor_set} of one instrument on one session.",
        fixed + values, key=("instrument", "session"), partitions=("market", "year"), sort=("instrument", "session"),
    )  # fmt: skip


def table(name: str) -> Table:
    """Look a fixed table up.

    Parameters
    ----------
    name : str

    Returns
    -------
    Table

    Raises
    ------
    UnknownNameError
        If there is no such table.
    """
    if name not in TABLES:
        raise UnknownNameError("table", name, TABLES)
    return TABLES[name]
