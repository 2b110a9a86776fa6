"""What a new regulars.toml says beside what the orders tell: where models and scores go."""

import re
import tomllib
from pathlib import Path

from serving.settings import Store
from training.settings import Tracking

MODELS_AND_STORE = f"""\
[tracking]
# Where MLflow keeps training runs and models.
uri = "{Tracking().uri}"

[store]
# Where predictions are kept: SQLite or a postgresql:// address.
url = "{Store().url}"
"""

_OWN_PLACES = """\
[tracking]
# Beside other settings: trainings and models of this shop alone.
uri = "sqlite:///mlruns/{name}/mlflow.db"
artifacts = "mlruns/{name}/artifacts"

[store]
# Beside other settings: what is kept of this shop alone.
url = "sqlite:///data/{name}/regulars.db"
bundles = "data/{name}/bundles"
quarantine = "data/{name}/quarantine.parquet"
exports = "data/{name}/exports"
erasure_key = "data/{name}/erasure.key"
pseudonym_key = "data/{name}/pseudonym.key"
imports = "data/{name}/imports"
"""
"""The same where other settings lie in the folder: no two shops share what is kept of them."""


def places_beside(output: Path) -> str:
    """Where models and scores go: to places of their own where other settings are about."""
    folder = output.absolute().parent
    if not settings_beside(output):
        return MODELS_AND_STORE
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", output.stem).strip("-") or "shop"
    taken = {path.name for place in ("data", "mlruns") for path in (folder / place).glob("*")}
    while name in taken:
        name += "-2"
    return _OWN_PLACES.format(name=name)


def settings_beside(output: Path) -> list[Path]:
    """Settings of other shops in the folder of a settings file."""
    neighbours = output.absolute().parent.glob("*.toml")
    return [path for path in neighbours if path.name != output.name and _is_of_a_shop(path)]


def _is_of_a_shop(file: Path) -> bool:
    try:
        return "data" in tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return False
