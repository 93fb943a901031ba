import math

import numpy as np
import pytest

from qbrain_core.errors import UnknownNameError
from qbrain_core.evaluation.conventions import CONVENTIONS, convention
from qbrain_core.evaluation.details import SECTIONS, Details, spread_section


def test_section_comes_back_as_a_table_in_order() -> None:
    details = Details()
    for horizon in (1, 10, 2):
        details.add("decay", horizon, {"rank_ic": horizon / 100, "ic": math.nan})
    details.add("month", "2024-01", {"rank_ic": 0.5})
    table = spread_section(details.frame(), "decay")
    assert table.columns == ["item", *SECTIONS["decay"]]
    assert table["item"].to_list() == ["1", "10", "2"]
    assert table["rank_ic"].to_list() == [0.01, 0.1, 0.02]
    assert table["ic"].null_count() == table["sessions"].null_count() == 3


@pytest.mark.parametrize("section", SECTIONS)
def test_section_without_items_is_an_empty_table(section: str) -> None:
    assert spread_section(Details().frame(), section).columns == ["item", *SECTIONS[section]]


def test_bins_are_shares_or_counts_as_the_section_says() -> None:
    details, edges, counts = Details(), np.array([0.0, 1, 2]), np.array([1, 3])
    details.add_bins("histogram_raw", edges, counts)
    details.add_bins("ic_histogram", edges, counts)
    assert spread_section(details.frame(), "histogram_raw")["share"].to_list() == [0.25, 0.75]
    assert spread_section(details.frame(), "ic_histogram").rows() == [("1", 0, 1, 1), ("2", 1, 2, 3)]


def test_convention_unknown_code_is_refused_and_parameters_fit_the_sentence() -> None:
    said = convention("costs", bps=2.5)
    assert CONVENTIONS[said["code"]].format(**said["params"]).startswith("2.5 bps per side")
    with pytest.raises(UnknownNameError, match="costs"):
        convention("cost")
