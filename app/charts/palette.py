"""Colours that charts share, for the light and the dark theme and both habits of colouring a rise."""

from dataclasses import dataclass
from typing import Self

__all__ = ["Palette"]

_RED, _GREEN = "#D9363E", "#0F9D6B"
_RED_DARK, _GREEN_DARK = "#F0616D", "#2EBD85"


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one theme, as CSS values.

    Attributes
    ----------
    up, down : str
        A rise and a fall.
    text, muted, line, surface : str
        Text, secondary text, axis and grid lines, the chart's background.
    series : tuple of str
        Colours of lines that mean neither rise nor fall, in order.
    dark : bool
        Whether the theme is dark.
    """

    up: str
    down: str
    text: str
    muted: str
    line: str
    surface: str
    series: tuple[str, ...]
    dark: bool

    @classmethod
    def of(cls, *, dark: bool, up: str) -> Self:
        """Choose the colours.

        Parameters
        ----------
        dark : bool
            Whether the theme is dark.
        up : str
            Colour of a rise: red or green.

        Returns
        -------
        Palette
        """
        red, green = (_RED_DARK, _GREEN_DARK) if dark else (_RED, _GREEN)
        rise, fall = (red, green) if up == "red" else (green, red)
        if dark:
            series = ("#6B9BFF", "#F0A94B", "#B08CFF", "#3FC1C9", "#E879B0", "#A3C04A", "#C9A28B", "#93A4BC")
            return cls(rise, fall, "#DDE4EE", "#8C9AAF", "#293446", "#0E131B", series, dark)
        series = ("#2F6BDE", "#E08A1E", "#7C5CD6", "#0E9AA7", "#C2477F", "#6B8E23", "#8C6D5A", "#5B6B82")
        return cls(rise, fall, "#18212F", "#67758A", "#E3E8EF", "#FFFFFF", series, dark)
