"""The loader that MLflow calls: `mlflow.pyfunc.load_model("models:/regulars-churn@champion")`."""

from pathlib import Path
from typing import Any

import pandas as pd

from features.orders.log import day_date
from training.models.cancellation import SavedChurn
from training.models.next_purchase import NextPurchaseModel
from training.recommend.model import RecommendationModel
from training.value.model import ValueModel

MODELS: dict[str, Any] = {
    "churn": SavedChurn,
    "value": ValueModel,
    "next_purchase": NextPurchaseModel,
    "recommendation": RecommendationModel,
}


class Loaded:
    """A model behind MLflow's `predict(table)`.

    The table is a feature table. For recommendations it holds purchases (see
    `OrderLog.purchases`), and everybody in it gets ten products as of the day after the last
    of them; `get_raw_model().recommend` takes other wishes.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, table: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002 - MLflow passes it
        if isinstance(self.model, RecommendationModel):
            customers = list(table["customer_id"].unique())
            as_of = day_date(int(table["day"].max()) + 1)
            return self.model.recommend(table, customers=customers, as_of=as_of, limit=10)
        return pd.DataFrame(self.model.predict(table))

    def get_raw_model(self) -> Any:
        """Our own model, with all it can do."""
        return self.model


def _load_pyfunc(data_path: str) -> Loaded:
    """Load the files that a training logged; the folder's name says which model it is."""
    path = Path(data_path)
    return Loaded(MODELS[path.name].load(path))
