"""Instrument ids: our one form, TICKER.MARKET, and the codec for everybody else's."""

import re

from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.markets import MARKETS, market_of

__all__ = ["EXCHANGE_MIC", "VENDORS", "to_instrument", "to_vendor"]

VENDORS = ("baostock", "qlib", "ricequant", "tushare", "wind", "yahoo")
"""Whose symbols `to_vendor` can write; `to_instrument` reads them all."""

EXCHANGE_MIC = {"SH": "XSHG", "SZ": "XSHE", "BJ": "BJSE", "HK": "XHKG"}
"""Listing exchange by id suffix, where the suffix tells."""

_CN_SUFFIX = {
    "SH": "SH", "SS": "SH", "SSE": "SH", "XSHG": "SH",
    "SZ": "SZ", "SZSE": "SZ", "XSHE": "SZ",
    "BJ": "BJ", "BSE": "BJ", "BJSE": "BJ", "XBSE": "BJ",
}  # fmt: skip
_CN_BOARD = (("92", "BJ"), ("4", "BJ"), ("8", "BJ"), ("5", "SH"), ("6", "SH"), ("9", "SH"))
_RICEQUANT = {"SH": "XSHG", "SZ": "XSHE", "BJ": "BJSE"}
_CN = re.compile(r"(?:(?P<head>SH|SZ|BJ)\.?)?(?P<code>\d{6})(?:\.(?P<tail>[A-Z]+))?")
_HK = re.compile(r"(?:HK\.?)?(?P<code>\d{1,5})(?:\.(?:HK|XHKG))?")
_US = re.compile(r"\^?[A-Z0-9]+(?:[.\-/_ ][A-Z0-9]+)*")
_PLAIN = re.compile(r"[A-Z0-9]+(?:[.\-/_:][A-Z0-9]+)*")


def to_instrument(symbol: str, market: str) -> str:
    """Translate a vendor's symbol into an instrument id.

    Parameters
    ----------
    symbol : str
        Any form of `VENDORS`, or an id of ours: `BRK-B`, `BRK.B`, `sh.600519`, `SH600519`, `600519.SS`,
        `600519.XSHG`, `00700.HK`, `BTC/USDT`. A bare six-digit code of mainland China is taken as a stock or fund, so
        an index needs its exchange (`SH000300`).
    market : str
        Market code; symbols say too little to guess it.

    Returns
    -------
    str
        `TICKER.SUFFIX`, upper case: `BRK.B.US`, `600519.SH`, `0700.HK`, `BTCUSDT.CRYPTO`.

    Raises
    ------
    InvalidInputError
        If the symbol has no such form.
    UnknownNameError
        If the market is unknown.
    """
    if market not in MARKETS:
        raise UnknownNameError("market", market, MARKETS)
    text = symbol.strip().upper()
    translate = {"CN": _from_cn, "HK": _from_hk, "US": _from_us}.get(market)
    instrument = translate(text) if translate else _from_plain(text, market)
    if instrument is None:
        raise InvalidInputError("instrument", symbol, f"it is not a symbol of market {market}")
    return instrument


def to_vendor(instrument: str, vendor: str) -> str:
    """Translate an instrument id into a vendor's symbol.

    Parameters
    ----------
    instrument : str
        `TICKER.SUFFIX`.
    vendor : str
        One of `VENDORS`.

    Returns
    -------
    str
        `to_instrument` of it, with the same market, gives `instrument` again.

    Raises
    ------
    UnknownNameError
        If the vendor or the id's market is unknown.
    InvalidInputError
        If the vendor has no symbols for that market.
    """
    if vendor not in VENDORS:
        raise UnknownNameError("vendor", vendor, VENDORS)
    market, (ticker, _, suffix) = market_of(instrument).code, instrument.rpartition(".")
    written: str | None = None
    if market == "CN":
        written = {
            "baostock": f"{suffix.lower()}.{ticker}",
            "qlib": f"{suffix}{ticker}",
            "ricequant": f"{ticker}.{_RICEQUANT[suffix]}",
            "yahoo": f"{ticker}.{'SS' if suffix == 'SH' else suffix}",
        }.get(vendor, instrument)
    elif vendor in ("tushare", "wind"):
        written = instrument
    elif vendor in ("qlib", "yahoo"):
        written = {"US": ticker.replace(".", "-"), "HK": instrument}.get(market, ticker)
    if written is None:
        raise InvalidInputError("vendor", vendor, f"it has no symbols of market {market}")
    return written


def _from_cn(text: str) -> str | None:
    match = _CN.fullmatch(text)
    if match is None or (match["head"] and match["tail"]):
        return None
    code = match["code"]
    if match["tail"]:
        suffix = _CN_SUFFIX.get(match["tail"])
    else:
        suffix = match["head"] or next((s for start, s in _CN_BOARD if code.startswith(start)), "SZ")
    return f"{code}.{suffix}" if suffix else None


def _from_hk(text: str) -> str | None:
    match = _HK.fullmatch(text)
    return f"{int(match['code']):04d}.HK" if match else None


def _from_us(text: str) -> str | None:
    text = text.removesuffix(".US")
    return re.sub(r"[\-/_ ]", ".", text) + ".US" if _US.fullmatch(text) else None


def _from_plain(text: str, market: str) -> str | None:
    text = text.removesuffix(f".{market}")
    return re.sub(r"[.\-/_:]", "", text) + f".{market}" if _PLAIN.fullmatch(text) else None
