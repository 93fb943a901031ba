"""Stages of a job as a row of steps: done, running with its share, to come."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Step", "stage_bar"]


@dataclass(frozen=True, slots=True)
class Step:
    """One stage: what it is called, its state (done, now, failed or next), its share in [0, 1], and a detail."""

    label: str
    state: str
    share: float | None = None
    detail: str = ""


def stage_bar(steps: Sequence[Step]) -> str:
    """Draw the steps.

    Parameters
    ----------
    steps : sequence of Step

    Returns
    -------
    str
        HTML.
    """
    return f'<div class="qb-steps">{"".join(_step(step) for step in steps)}</div>'


def _step(step: Step) -> str:
    share = {"done": 1.0, "now": step.share}.get(step.state, 0.0)
    moving = " qb-moving" if step.state == "now" and share is None else ""
    width = 100 if share is None else round(share * 100, 1)
    written = f"{share:.0%}" if step.state == "now" and share is not None else step.detail
    if step.state == "now" and share is not None and step.detail:
        written += f" · {step.detail}"
    sign = {"done": "✓", "now": "●", "failed": "✕"}.get(step.state, "○")
    return (
        f'<div class="qb-step qb-step-{escape(step.state)}" title="{escape(step.detail)}">'
        f"<div><b>{sign} {escape(step.label)}</b><span>{escape(written)}</span></div>"
        f'<div class="qb-track{moving}"><i style="width:{width}%"></i></div></div>'
    )
