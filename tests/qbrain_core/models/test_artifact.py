import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from qbrain_core.dataset import build_dataset
from qbrain_core.errors import InvalidInputError
from qbrain_core.models.artifact import BOOSTER_FILE, MANIFEST_FILE, SavedModel
from qbrain_core.models.training import train
from qbrain_core.specs import DatasetSpec, ModelSpec


@pytest.fixture
def saved(panel: tuple[pl.DataFrame, pl.DataFrame], spec: DatasetSpec) -> SavedModel:
    params = {"num_boost_round": 5, "lambda_l1": 0.0, "lambda_l2": 0.0}
    about = {"factor_table": "factors/tiny-00000000", "pins": {"bars": 4}}
    return train(build_dataset(*panel, spec), ModelSpec(params=params), spec=spec, about=about).model


def test_files_round_trip(saved: SavedModel, spec: DatasetSpec) -> None:
    files = saved.to_files()
    found = SavedModel.from_files(files)
    assert found == saved
    assert DatasetSpec.model_validate(found.dataset) == spec
    assert json.loads(files[MANIFEST_FILE])["about"]["pins"] == {"bars": 4}
    assert files[BOOSTER_FILE].startswith(b"tree\n")


def test_predict_missing_feature_is_named(saved: SavedModel, panel: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    with pytest.raises(InvalidInputError, match="F2"):
        saved.predict(panel[0].drop("F2"))


def test_predict_column_order_does_not_matter(saved: SavedModel, panel: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    features = panel[0]
    turned = features.select(reversed(features.columns))
    assert saved.predict(turned).equals(saved.predict(features))


def test_from_files_unknown_format_is_refused(saved: SavedModel) -> None:
    files = saved.to_files()
    manifest = json.loads(files[MANIFEST_FILE]) | {"format": 99}
    with pytest.raises(InvalidInputError, match=r"model\.format"):
        SavedModel.from_files(files | {MANIFEST_FILE: json.dumps(manifest).encode()})
    with pytest.raises(InvalidInputError, match=r"model\.txt"):
        SavedModel.from_files({MANIFEST_FILE: files[MANIFEST_FILE]})


_SCORE = """
import sys
from pathlib import Path
import polars as pl
from qbrain_core.models.artifact import SavedModel
folder = Path(sys.argv[1])
model = SavedModel.from_files({name: (folder / name).read_bytes() for name in ("model.txt", "model.json")})
model.predict(pl.read_parquet(folder / "features.parquet")).write_parquet(folder / "scores.parquet")
assert not {"qlib", "torch", "mlflow"} & set(sys.modules)
"""


def test_predict_needs_no_qlib(saved: SavedModel, panel: tuple[pl.DataFrame, pl.DataFrame], tmp_path: Path) -> None:
    for name, content in saved.to_files().items():
        (tmp_path / name).write_bytes(content)
    panel[0].write_parquet(tmp_path / "features.parquet")
    subprocess.run([sys.executable, "-c", _SCORE, str(tmp_path)], check=True, timeout=60)
    assert pl.read_parquet(tmp_path / "scores.parquet").equals(saved.predict(panel[0]))
