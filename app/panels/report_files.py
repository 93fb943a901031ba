"""A run's configuration, and its tables as files."""

import io
from collections.abc import Callable

import polars as pl
import streamlit as st
import yaml

from app.page import section
from app.session import t

__all__ = ["draw_files", "spec_yaml"]

_TABLES = ("backtest_equity", "backtest_positions", "backtest_fills", "backtest_rejections")


def spec_yaml(spec: dict) -> str:
    """Write a spec as YAML that `qbrain submit` reads.

    Parameters
    ----------
    spec : dict
        JSON values.

    Returns
    -------
    str
    """
    return yaml.safe_dump(spec, sort_keys=False, allow_unicode=True)


def draw_files(run: dict, table: Callable[[str], pl.DataFrame]) -> None:
    """Draw the configuration and the exports.

    Parameters
    ----------
    run : dict
        Row of `backtest_runs`, decoded.
    table : callable
        Reads a result table by name.
    """
    left, right = st.columns([3, 2])
    with left:
        section(t("Configuration"), t("The spec that was run, every field spelled out."))
        text = spec_yaml(run["spec"])
        st.code(text, language="yaml", height=420)
    with right:
        section(t("Export"), t("The run's tables, and the spec."))
        stem = f"{run['run_id']}"
        st.download_button(
            t("Spec (YAML)"), text, f"{stem}.yaml", "application/yaml", icon=":material/download:", on_click="ignore"
        )
        titles = {
            "backtest_equity": t("Equity"), "backtest_positions": t("Positions"), "backtest_fills": t("Trades"),
            "backtest_rejections": t("Rejections"),
        }  # fmt: skip
        for name in _TABLES:
            frame = table(name)
            label, csv, parquet = st.columns([2, 1, 1], vertical_alignment="center")
            label.markdown(f"**{titles[name]}** · {t('{n} rows', n=f'{frame.height:,}')}")
            short = name.removeprefix("backtest_")
            csv.download_button(
                "CSV", frame.write_csv, f"{stem}-{short}.csv", "text/csv", key=f"csv_{name}", on_click="ignore"
            )
            parquet.download_button(
                "Parquet", _parquet(frame), f"{stem}-{short}.parquet", key=f"parquet_{name}", on_click="ignore"
            )


def _parquet(frame: pl.DataFrame) -> Callable[[], bytes]:
    def write() -> bytes:
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()

    return write
