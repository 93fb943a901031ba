"""An expression's tree: what is computed of what, and what each part measures."""

from html import escape

from qbrain_core.factors.explain import Branch

__all__ = ["tree_html"]


def tree_html(branch: Branch) -> str:
    """Draw a tree.

    Parameters
    ----------
    branch : Branch

    Returns
    -------
    str
        HTML: a list whose items are operators, fields and constants, each with what stands below it.
    """
    return f'<ul class="qb-tree" role="tree">{_item(branch)}</ul>'


def _item(branch: Branch) -> str:
    leaf = "number" if branch.label[:1] in "-.0123456789'" and not branch.children else "call"
    kind = "field" if branch.label.startswith("$") else leaf
    unit = f"<small>{escape(branch.unit)}</small>" if branch.unit else ""
    said = f'<span><code class="qb-{kind}">{escape(branch.label)}</code>{unit}</span>'
    below = f'<ul role="group">{"".join(_item(b) for b in branch.children)}</ul>' if branch.children else ""
    return f'<li role="treeitem">{said}{below}</li>'
