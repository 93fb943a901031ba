"""How numbers and times are written on the screen; a missing value is an en dash."""

import math
from datetime import UTC, datetime

__all__ = [
    "MISSING",
    "ago_s",
    "count",
    "decimal",
    "duration",
    "instant",
    "money",
    "percent",
    "price",
    "price_range",
    "signed_percent",
    "signed_points",
]

MISSING = "–"


def _absent(value: float | None) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def percent(value: float | None, digits: int = 2) -> str:
    """Write a fraction as percent: 0.0123 → `1.23%`."""
    return MISSING if _absent(value) else f"{value * 100:.{digits}f}%"  # type: ignore[operator]


def signed_percent(value: float | None, digits: int = 2) -> str:
    """Write a fraction as percent with its sign: 0.0123 → `+1.23%`."""
    return MISSING if _absent(value) else f"{value * 100:+.{digits}f}%"  # type: ignore[operator]


def signed_points(value: float | None, digits: int = 2) -> str:
    """Write a difference of fractions as percentage points with its sign: 0.0123 → `+1.23 pp`."""
    return MISSING if _absent(value) else f"{value * 100:+.{digits}f} pp"  # type: ignore[operator]


def decimal(value: float | None, digits: int = 2) -> str:
    """Write a ratio: 1.234 → `1.23`."""
    return MISSING if _absent(value) else f"{value:.{digits}f}"


def count(value: float | None) -> str:
    """Write a whole number with separators: 12345 → `12,345`."""
    return MISSING if _absent(value) else f"{value:,.0f}"


def price(value: float | None) -> str:
    """Write a price with two digits, more below 1."""
    if value is None or _absent(value):
        return MISSING
    return f"{value:,.2f}" if abs(value) >= 1 else f"{value:.4f}"


def price_range(low: float | None, high: float | None) -> str:
    """Write a span of prices; without decimals from 1,000 on, where they would not be read."""
    if high is None or low is None or _absent(high) or _absent(low):
        return MISSING
    return f"{low:,.0f} – {high:,.0f}" if high >= 1000 else f"{price(low)} – {price(high)}"


def money(value: float | None, language: str = "en") -> str:
    """Shorten a large amount: 1.23e8 → `123.00M`, in Chinese `1.23亿`."""
    if value is None or _absent(value):
        return MISSING
    steps = ((1e8, "亿"), (1e4, "万")) if language == "zh" else ((1e9, "B"), (1e6, "M"), (1e3, "K"))
    for size, letter in steps:
        if abs(value) >= size:
            return f"{value / size:,.2f}{letter}"
    return f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """Write a span of time: 75 → `1m 15s`."""
    if seconds is None or _absent(seconds):
        return MISSING
    if seconds < 10:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m" if hours else f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"


def instant(value: datetime | None) -> str:
    """Write an instant in UTC to the minute."""
    return MISSING if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def ago_s(value: datetime | None) -> float | None:
    """Seconds since an instant; None where there is none."""
    return None if value is None else (datetime.now(UTC) - value).total_seconds()
