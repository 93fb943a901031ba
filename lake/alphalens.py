"""Hand an evaluated factor on to alphalens, made anew from the data of the evaluation."""

from collections.abc import Sequence

import pandas as pd

from lake.evaluation_inputs import factor_values, read_inputs
from lake.lakehouse import Lake
from qbrain_core.errors import UnknownNameError
from qbrain_core.evaluation.alphalens import alphalens_frame
from qbrain_core.preprocess import prepare
from qbrain_core.specs.evaluate import EvaluateSpec

__all__ = ["factor_data"]


def factor_data(lake: Lake, run_id: str, factor: str, *, periods: Sequence[int] = (1, 5, 10)) -> pd.DataFrame:
    """Make the `factor_data` of alphalens for one factor of a stored evaluation.

    Parameters
    ----------
    lake : Lake
    run_id : str
        The evaluation.
    factor : str
        One that it judged.
    periods : sequence of int
        Sessions held.

    Returns
    -------
    DataFrame
        See `qbrain_core.evaluation.alphalens.alphalens_frame`; values as preprocessed by the evaluation. Read at the
        table versions of the evaluation.

    Raises
    ------
    UnknownNameError
        If there is no such evaluation, or it judged no such factor.
    InvalidInputError
        If the data it was made from were cleaned up.
    InsufficientDataError
        If no row has a value and every return.
    """
    run = lake.evaluation(run_id)
    if run is None:
        raise UnknownNameError("run_id", run_id, lake.evaluations()["run_id"].to_list())
    judged = lake.evaluation_factors(run_id)["factor"].to_list()
    if factor not in judged:
        raise UnknownNameError("factor", factor, judged)
    spec, table, pins = EvaluateSpec.model_validate(run["spec"]), run["factor_table"], run["pins"]
    inputs = read_inputs(lake, spec, table=table, as_of=pins)
    _, values = next(factor_values(lake, spec, [factor], inputs, table=table, as_of=pins))
    prepared = prepare(values, inputs.yardstick.members, spec.preprocess, **inputs.taken_out)
    return alphalens_frame(
        prepared, inputs.yardstick, periods=periods, quantiles=spec.quantiles, sectors=inputs.sectors
    )
