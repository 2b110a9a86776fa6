"""The loader that MLflow calls: `mlflow.pyfunc.load_model("models:/regulars-churn@champion")`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from features.errors import DataError
from features.orders.log import day_date
from training.models.cancellation import SavedChurn
from training.models.next_purchase import NextPurchaseModel
from training.recommend.model import RecommendationModel
from training.stand_ins.value import load_value

LOADERS: dict[str, Callable[[Path], Any]] = {
    "churn": SavedChurn.load,
    "value": load_value,
    "next_purchase": NextPurchaseModel.load,
    "recommendation": RecommendationModel.load,
}

CUSTOMER = "customer_id"
KEYS = ("as_of", CUSTOMER)
"""What says whose row it is; given back in front of what a model says."""
TEXTS = (CUSTOMER, "product_id", "category", "product_name")
"""Columns of purchases that hold words."""
LIMIT = 10
"""Products that a customer gets where nothing else is asked for."""


class Loaded:
    """A model behind MLflow's `predict(table)`.

    The table is a feature table, as `regulars features` writes it: the columns that the model
    learned from are taken by name, whatever else and in whatever order there is; ids come back
    where they are there. For recommendations it holds purchases (see `OrderLog.purchases`), and
    everybody in it gets `params["limit"]` products as of the day after the last of them;
    `get_raw_model().recommend` takes other wishes.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, table: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """What the model says, one row per row of the table, or per customer and product.

        Raises
        ------
        DataError
            Naming the columns that are missing.
        """
        if isinstance(self.model, RecommendationModel):
            customers = list(table[CUSTOMER].unique())
            as_of = day_date(int(table["day"].max()) + 1)
            limit = int((params or {}).get("limit", LIMIT))
            texts = {name: table[name].astype("category") for name in TEXTS if name in table}
            return self.model.recommend(
                table.assign(**texts), customers=customers, as_of=as_of, limit=limit
            )
        predicted = pd.DataFrame(self.model.predict(_named(table, self.model.columns_)))
        for position, name in enumerate(name for name in KEYS if name in table):
            predicted.insert(position, name, table[name].to_numpy())
        return predicted

    def get_raw_model(self) -> Any:
        """Our own model, with all it can do."""
        return self.model


def _named(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The columns that a model learned from, in its order."""
    if missing := [name for name in columns if name not in table]:
        raise DataError(
            f"the table lacks {', '.join(missing)}. `regulars features` writes all of them."
        )
    return table[list(columns)].astype("float64")


def _load_pyfunc(data_path: str) -> Loaded:
    """Load the files that a training logged; the folder's name says which model it is."""
    path = Path(data_path)
    return Loaded(LOADERS[path.name](path))
