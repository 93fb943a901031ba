"""Symbols both ways: every vendor's form is read, and what is written is read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.symbols import VENDORS, to_instrument, to_vendor

DIGITS = "0123456789"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

cn = st.builds(lambda d, s: f"{d}.{s}", st.text(DIGITS, min_size=6, max_size=6), st.sampled_from(["SH", "SZ", "BJ"]))
us_part = st.text(UPPER, min_size=1, max_size=4)
us = st.builds(lambda a, b: f"{a}.{b}.US" if b else f"{a}.US", us_part, st.sampled_from(["", "A", "B", "PL"]))
hk = st.integers(1, 99999).map(lambda n: f"{n:04d}.HK")
crypto = us_part.map(lambda a: f"{a}USDT.CRYPTO")


@pytest.mark.parametrize(
    ("symbol", "market", "instrument"),
    [
        ("BRK-B", "US", "BRK.B.US"), ("BRK.B", "US", "BRK.B.US"), ("brk/b", "US", "BRK.B.US"),
        ("BRK.B.US", "US", "BRK.B.US"), ("AAPL", "US", "AAPL.US"), (" spy ", "US", "SPY.US"),
        ("^GSPC", "US", "^GSPC.US"),
        ("sh.600519", "CN", "600519.SH"), ("SH600519", "CN", "600519.SH"), ("600519.SS", "CN", "600519.SH"),
        ("600519.SH", "CN", "600519.SH"), ("600519.XSHG", "CN", "600519.SH"), ("000001.XSHE", "CN", "000001.SZ"),
        ("600519", "CN", "600519.SH"), ("000001", "CN", "000001.SZ"), ("300750", "CN", "300750.SZ"),
        ("688981", "CN", "688981.SH"), ("430047", "CN", "430047.BJ"), ("920002", "CN", "920002.BJ"),
        ("SH000300", "CN", "000300.SH"), ("510300", "CN", "510300.SH"), ("159915", "CN", "159915.SZ"),
        ("700", "HK", "0700.HK"), ("00700.HK", "HK", "0700.HK"), ("HK.00700", "HK", "0700.HK"),
        ("80700", "HK", "80700.HK"),
        ("BTC/USDT", "CRYPTO", "BTCUSDT.CRYPTO"), ("btc-usdt", "CRYPTO", "BTCUSDT.CRYPTO"),
        ("D00001", "DEMO", "D00001.DEMO"),
    ],
)  # fmt: skip
def test_to_instrument_known_forms(symbol: str, market: str, instrument: str) -> None:
    assert to_instrument(symbol, market) == instrument


@pytest.mark.parametrize(
    ("symbol", "market"),
    [
        ("", "US"), ("404 Not Found: x", "US"), ("{", "US"), ("AAPL.US", "CN"), ("60051", "CN"), ("600519.XX", "CN"),
        ("sh.600519.SH", "CN"), ("SH6005199", "CN"), ("123456", "HK"), ("ABC", "HK"), ("BTC USDT!", "CRYPTO"),
    ],
)  # fmt: skip
def test_to_instrument_of_something_else_is_refused(symbol: str, market: str) -> None:
    with pytest.raises(InvalidInputError, match="not a symbol of market"):
        to_instrument(symbol, market)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="market"):
        to_instrument("AAPL", "USA")
    with pytest.raises(UnknownNameError, match="yahoo"):
        to_vendor("AAPL.US", "yaho")
    with pytest.raises(UnknownNameError, match="instrument"):
        to_vendor("AAPL.MOON", "yahoo")
    with pytest.raises(InvalidInputError, match="no symbols of market US"):
        to_vendor("AAPL.US", "baostock")


def test_to_vendor_writes_each_vendors_form() -> None:
    assert {v: to_vendor("600519.SH", v) for v in VENDORS} == {
        "baostock": "sh.600519", "qlib": "SH600519", "ricequant": "600519.XSHG", "tushare": "600519.SH",
        "wind": "600519.SH", "yahoo": "600519.SS",
    }  # fmt: skip
    assert to_vendor("000001.SZ", "yahoo") == "000001.SZ"
    assert to_vendor("BRK.B.US", "yahoo") == "BRK-B"
    assert to_vendor("0700.HK", "yahoo") == "0700.HK"


@given(cn, st.sampled_from(VENDORS))
def test_round_trip_of_mainland_symbols(instrument: str, vendor: str) -> None:
    assert to_instrument(to_vendor(instrument, vendor), "CN") == instrument


@given(us, st.sampled_from(["qlib", "yahoo", "tushare", "wind"]))
def test_round_trip_of_us_symbols(instrument: str, vendor: str) -> None:
    assert to_instrument(to_vendor(instrument, vendor), "US") == instrument


@given(st.one_of(hk.map(lambda i: (i, "HK")), crypto.map(lambda i: (i, "CRYPTO"))), st.sampled_from(["qlib", "yahoo"]))
def test_round_trip_of_other_symbols(case: tuple[str, str], vendor: str) -> None:
    instrument, market = case
    assert to_instrument(to_vendor(instrument, vendor), market) == instrument


@given(
    st.sampled_from([("CN", cn), ("US", us), ("HK", hk), ("CRYPTO", crypto)]).flatmap(
        lambda p: st.tuples(st.just(p[0]), p[1])
    )
)
def test_an_id_of_ours_stays_what_it_is(case: tuple[str, str]) -> None:
    market, instrument = case
    assert to_instrument(instrument, market) == instrument
    assert to_instrument(instrument.lower(), market) == instrument
