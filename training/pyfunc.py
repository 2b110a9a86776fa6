"""The loader that MLflow calls: `mlflow.pyfunc.load_model("models:/regulars-churn@champion")`."""

from pathlib import Path
from typing import Any

import pandas as pd

from training.models.churn import ChurnModel
from training.models.next_purchase import NextPurchaseModel
from training.models.recommendation import RecommendationModel
from training.models.value import ValueModel

MODELS: dict[str, Any] = {
    "churn": ChurnModel,
    "value": ValueModel,
    "next_purchase": NextPurchaseModel,
    "recommendation": RecommendationModel,
}


class Loaded:
    """A model behind MLflow's `predict(table)`.

    The table is a feature table; for recommendations it holds purchases, and the parameters
    of `RecommendationModel.recommend` come as `params`.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, table: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        if isinstance(self.model, RecommendationModel):
            return self.model.recommend(table, **(params or {}))
        return pd.DataFrame(self.model.predict(table))


def _load_pyfunc(data_path: str) -> Loaded:
    """Load the files that a training logged; the folder's name says which model it is."""
    path = Path(data_path)
    return Loaded(MODELS[path.name].load(path))
