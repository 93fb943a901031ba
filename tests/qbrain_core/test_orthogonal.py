import numpy as np
import pytest

from qbrain_core.errors import InvalidInputError
from qbrain_core.orthogonal import orthogonalise
from qbrain_core.preprocess import standardise


@pytest.fixture
def factors() -> list[np.ndarray]:
    random = np.random.default_rng(12)
    common = random.normal(size=(6, 80))
    made = [common + random.normal(size=common.shape) for _ in range(3)]
    made[1][:, :7] = np.nan
    return made


@pytest.mark.parametrize("method", ["symmetric", "sequential"])
def test_orthogonalise_factors_have_no_correlation_left(factors: list[np.ndarray], method) -> None:
    made = orthogonalise(factors, method=method)
    for row in range(6):
        rows = np.array([f[row, 7:] for f in made])
        assert np.cov(rows) == pytest.approx(np.eye(3), abs=1e-9)
        assert np.isnan([f[row, :7] for f in made]).all()


def test_orthogonalise_symmetric_stays_closest_to_the_originals(factors: list[np.ndarray]) -> None:
    # Löwdin's theorem: no other orthonormal set has a smaller sum of squared distances
    known = [np.where(np.isnan(factors[1]), np.nan, f) for f in factors]
    scaled = [standardise(f) for f in known]
    distance = {
        method: sum(np.nansum((a - b) ** 2) for a, b in zip(orthogonalise(factors, method=method), scaled, strict=True))
        for method in ("symmetric", "sequential")
    }
    assert distance["symmetric"] < distance["sequential"]


def test_orthogonalise_sequential_keeps_the_first(factors: list[np.ndarray]) -> None:
    known = np.where(np.isnan(factors[1]), np.nan, factors[0])
    assert orthogonalise(factors, method="sequential")[0] == pytest.approx(standardise(known), nan_ok=True)


def test_orthogonalise_thin_session_has_no_value_and_nothing_is_refused() -> None:
    thin = [np.arange(3.0)[None], np.array([[1.0, 0, 2]]), np.array([[1.0, 5, 2]])]
    assert np.isnan(orthogonalise(thin)).all()
    with pytest.raises(InvalidInputError, match="at least one"):
        orthogonalise([])
