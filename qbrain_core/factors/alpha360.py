"""Alpha360, the raw-price factor set of Qlib's benchmarks [1]_, as expressions.

References
----------
.. [1] `qlib.contrib.data.loader.Alpha360DL.get_feature_config`, pyqlib 0.9.7; names and order are the same.
"""

__all__ = ["ALPHA360", "DAYS", "alpha360"]

DAYS = 60
"""Sessions of each field, the factor's own included."""

_BASES = {"close": "$close", "open": "$close", "high": "$close", "low": "$close", "vwap": "$close",
          "volume": "($volume+1e-12)"}  # fmt: skip


def alpha360() -> dict[str, str]:
    """Build the set.

    Returns
    -------
    dict of str to str
        360 factor names and their expressions, in Qlib's order.
    """
    return {
        f"{name.upper()}{days}": f"Ref(${name}, {days})/{base}" if days else f"${name}/{base}"
        for name, base in _BASES.items()
        for days in reversed(range(DAYS))
    }


ALPHA360: dict[str, str] = alpha360()
"""The set, built once."""
