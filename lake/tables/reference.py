"""What there is to trade, what it was called and belonged to when, and which days are sessions."""

from lake.tables.declaration import Table, columns
from lake.tables.parts import BOOL, DATE, I32, INSTRUMENT, MARKET, TEXT

__all__ = ["REFERENCE_TABLES"]

_START = ("start", DATE, "First day it holds.")
_END = ("end?", DATE, "Last day it holds, inclusive; null while it lasts.")

REFERENCE_TABLES = (
    Table(
        "instruments", "A listed security or index.",
        columns(
            INSTRUMENT, MARKET,
            ("ticker", TEXT, "Code without the market."),
            ("kind", TEXT, "stock, etf or index; currency for a pair."),
            ("name_en?", TEXT, "Name in English."),
            ("name_zh?", TEXT, "Name in Chinese."),
            ("pinyin?", TEXT, "Initials of the Chinese name, upper case, for search."),
            ("sector?", TEXT, "Sector, in the source's own words."),
            ("industry?", TEXT, "Industry within the sector."),
            ("exchange?", TEXT, "Listing exchange (MIC)."),
            ("currency", TEXT, "Currency of its prices, ISO 4217."),
            ("lot", I32, "Shares in a board lot.", "shares"),
            ("listed?", DATE, "First session, where the source says."),
            ("delisted?", DATE, "Last session, null while listed."),
        ),
        key=("instrument",), partitions=("market",), sort=("instrument",),
    ),
    Table(
        "instrument_status", "A spell of one instrument in a status that changes how it trades.",
        columns(
            INSTRUMENT, MARKET,
            ("status", TEXT, "st (special treatment), suspended or delisting."),
            _START, _END,
        ),
        key=("instrument", "status", "start"), partitions=("market",), sort=("instrument", "status", "start"),
    ),
    Table(
        "symbol_history", "A spell in which one security traded under one symbol.",
        columns(
            ("symbol", TEXT, "Symbol it traded under, without the market."),
            INSTRUMENT, MARKET, _START, _END,
            ("name?", TEXT, "Name of the company in that spell, where the source says."),
        ),
        key=("market", "symbol", "start"), partitions=("market",), sort=("symbol", "start"),
    ),
    Table(
        "industries", "A spell of one instrument in one class of an industry scheme.",
        columns(
            ("scheme", TEXT, "sw (申万), citic (中信), gics, or the source's own."),
            ("level", I32, "Depth in the scheme, 1 for the broadest."),
            INSTRUMENT, MARKET,
            ("code?", TEXT, "Code of the class, where the scheme has codes."),
            ("industry", TEXT, "Name of the class, in the source's words."),
            _START, _END,
        ),
        key=("scheme", "level", "instrument", "start"), sort=("scheme", "level", "instrument", "start"),
    ),
    Table(
        "universes", "A spell of one instrument in one universe.",
        columns(
            ("universe", TEXT, "Name of the universe."), INSTRUMENT,
            ("start", DATE, "First session of the spell."),
            ("end?", DATE, "Last session of the spell, inclusive; null while it lasts."),
        ),
        key=("universe", "instrument", "start"), sort=("universe", "instrument", "start"),
    ),
    Table(
        "calendar_overrides", "A day on which a market differs from its calendar.",
        columns(
            MARKET,
            ("session", DATE, "The day."),
            ("is_open", BOOL, "Whether there was trading."),
            ("opens?", TEXT, "Local time of the open, HH:MM, where it is not the usual one."),
            ("closes?", TEXT, "Local time of the close, HH:MM, where it is not the usual one."),
            ("reason?", TEXT, "Why."),
        ),
        key=("market", "session"), sort=("market", "session"),
    ),
)  # fmt: skip
