import numba
import polars as pl
import pytest
from numba.core import event

from qbrain_core.factors import alpha158, compute
from qbrain_core.factors.operators import OPERATORS
from qbrain_core.factors.warm import _text, warm


def test_warm_leaves_nothing_to_compile(synthetic_fields: pl.DataFrame) -> None:
    compiled: list[str] = []

    class Listener(event.Listener):
        def on_start(self, event: event.Event) -> None:
            compiled.append(event.data["dispatcher"].py_func.__qualname__)

        def on_end(self, event: event.Event) -> None:
            pass

    warm()
    series = ("$close", "$close > $open", "Log($volume)", "Sum($volume, 3)/$volume", "CSRank($close)")
    ours = [o for o in OPERATORS.values() if not o.talib and "$$" not in _text(o, "$close")]
    texts = alpha158() | {f"{o.name} {s}": _text(o, s) for o in ours for s in series if "$close > $" not in s}
    texts = {n: t.replace("'A'", "'X0'") for n, t in texts.items()}
    with event.install_listener("numba:compile", Listener()):
        compute(texts, synthetic_fields)
        compute(texts, synthetic_fields.fill_null(1.0))
    assert not compiled
    with pytest.raises(ValueError, match="not initialized"):
        numba.threading_layer()  # a parallel kernel would have started threads, which do not live on in a fork
