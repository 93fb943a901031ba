"""The script that Streamlit runs for every page: frame, menu, page."""

from pathlib import Path

import streamlit as st

from app.command_palette import command_palette
from app.routes import navigation
from app.session import palette

_HERE = Path(__file__).parent
_STYLE = "\n".join(p.read_text(encoding="utf-8") for p in (_HERE / "style.css", _HERE / "panels" / "style.css"))

# icons by name would be fetched from a font server: nothing here leaves the machine
st.set_page_config(page_title="Q-Brain", page_icon=str(_HERE / "favicon.svg"), layout="wide")
st.logo(str(_HERE / "logo.svg"), icon_image=str(_HERE / "favicon.svg"), size="large")
_colours = palette()
st.html(f"<style>:root{{--qb-up:{_colours.up};--qb-down:{_colours.down}}}\n{_STYLE}</style>")
current = navigation()
command_palette()
current.run()
