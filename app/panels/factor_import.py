"""Reading a set of factors from a file."""

import streamlit as st

from app import markup
from app.routes import go
from app.session import settings, t
from lake.records import open_records
from lake.records.factor_sets import save_set
from qbrain_core.errors import QBrainError
from qbrain_core.factors.set_text import read_set

__all__ = ["draw_import"]


def draw_import() -> None:
    """Draw what reads a set from YAML or JSON and keeps it as one's own."""
    with st.popover(t("Import"), icon=":material/upload:", key="factors-import"), st.container(width=420):
        st.caption(t("YAML with a name and a mapping of factors to expressions, as Export writes it."))
        files = st.file_uploader(
            t("File"), type=["yaml", "yml", "json"], key="factors-import-file", label_visibility="collapsed"
        )
        name = st.text_input(
            t("Name of the set"), key="factors-import-name", placeholder=t("as the file says"), max_chars=48
        )
        if not st.button(t("Import"), type="primary", key="factors-import-do", disabled=files is None):
            return
        try:
            wanted = read_set(files.getvalue().decode("utf-8", "replace"), owner=settings().owner, name=name.strip())
            kept = save_set(open_records(settings()), wanted)
        except QBrainError as error:
            st.html(markup.notice(t("Nothing was imported"), str(error)))
            return
    go("factors", set=kept.reference)
