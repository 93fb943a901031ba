import math
from datetime import date

import numpy as np
import pytest

from jobs.runner import _explain, plain
from qbrain_core import errors


def test_plain_turns_what_tasks_return_into_json_values():
    given = {
        "n": np.int64(3), "x": np.float32(0.5), "nan": math.nan, "inf": np.float64("inf"), "day": date(2024, 1, 2),
        "list": (1, True, None, "a"), 5: {"deep": [np.bool_(True)]},
    }  # fmt: skip
    assert plain(given) == {
        "n": 3, "x": 0.5, "nan": None, "inf": None, "day": "2024-01-02", "list": [1, True, None, "a"],
        "5": {"deep": [True]},
    }  # fmt: skip
    with pytest.raises(TypeError, match="bytes"):
        plain({"x": b"1"})


@pytest.mark.parametrize(
    ("error", "may_pass"),
    [
        (errors.InvalidInputError("a", 1, "no"), False), (errors.UnknownNameError("a", "b", ["c"]), False),
        (errors.InsufficientDataError("few"), False), (errors.TransientError("away"), True),
        (errors.CommitConflictError("others won"), True), (ConnectionResetError("reset"), True),
        (TimeoutError("slow"), True), (OSError(28, "No space left on device"), True),
        (FileNotFoundError(2, "No such file", "x.csv"), False), (MemoryError(), False), (ValueError("bug"), False),
    ],
)  # fmt: skip
def test_only_what_may_pass_is_tried_again(error, may_pass):
    sentence, _, again = _explain(error, "id-1")
    assert again is may_pass
    assert sentence
    assert "\n" not in sentence
