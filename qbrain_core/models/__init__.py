"""Models: the catalogue of families, training through Qlib, and what is kept of a trained model."""

import os

# Boosting has thousands of short parallel loops. By default OpenMP's threads spin between them, and where cores are
# shared that made a fit ten times slower (48 s against 4.7 s). Read when the library is loaded, hence here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from qbrain_core.models.catalog import (
    MODEL_FAMILIES,
    Field,
    ModelFamily,
    family,
    validate_params,
    validate_processors,
)

__all__ = ["MODEL_FAMILIES", "Field", "ModelFamily", "family", "validate_params", "validate_processors"]
