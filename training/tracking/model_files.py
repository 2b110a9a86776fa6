"""How a model is logged to MLflow: its files, what it takes and gives, an example, its code."""

import hashlib
import logging
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import AnyType

from features.orders.log import day_number
from training.bundle.publication import golden_rows
from training.models.own_churn import OwnChurn
from training.pyfunc import CUSTOMER, KEYS, LIMIT, TEXTS, Loaded
from training.tracking.carried_code import PACKAGES, carried_code, pinned_requirements
from training.value.own_value import OwnValue

EXAMPLE_ROWS = 3
REQUIRED_TEXTS = (CUSTOMER, "product_id", "category")

NUMBERS_OF_PURCHASES = ("order_id", "day")

OWN_VIEWS = {
    "churn": "One model's own view: churn_probability and p_alive are before the shop's level is "
    "moved. Only `regulars score` composes the models.",
    "value": "One model's own view: p_order is that of the purchase process, and p_alive, clv, "
    "clv_lifetime and what they are made of follow from it. Only `regulars score` composes them "
    "with the model of churn.",
    "next_purchase": "One model's own view: each p_order, the dates and the expected wait are by "
    "its own curves. Only `regulars score` composes them with the models of churn and value.",
}
"""What the description of a registered model says of its figures, by task."""

# what it says of our own loader is no news to who trains
logging.getLogger("mlflow.models.model").setLevel(logging.ERROR)
logging.getLogger("mlflow.pyfunc").setLevel(logging.ERROR)


def log_files(name: str, model: Any, features: pd.DataFrame, as_of: date) -> tuple[str, str]:
    """Log a model into the current run; returns its address and the digest of its files.

    Parameters
    ----------
    name : of the task
    model : fitted
    features : of real customers; what is logged are made-up ones between their quantiles
    as_of : the date of the model, before which all purchases of the example lie
    """
    example = example_of(model, features, as_of)
    with TemporaryDirectory() as folder:
        model.save(Path(folder) / name)
        digest = digest_of(Path(folder) / name)
        info = mlflow.pyfunc.log_model(
            name=name,
            loader_module="training.pyfunc",
            data_path=str(Path(folder) / name),
            code_paths=[str(Path(carried_code().name) / package) for package in PACKAGES],
            pip_requirements=pinned_requirements(own=isinstance(model, OwnChurn | OwnValue)),
            signature=_signature(model, example),
            input_example=example,
        )
    return str(info.model_uri), digest


def example_of(model: Any, features: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """A few made-up rows that the model takes on the date it was made for."""
    if hasattr(model, "recommend"):
        last_day = day_number(as_of) - 1
        return pd.DataFrame(
            {
                "customer_id": ["made-up 1", "made-up 1", "made-up 2"],
                "product_id": ["a", "b", "a"],
                "category": ["x", "y", "x"],
                "order_id": np.array([1, 2, 3]),
                "day": np.array([last_day - 20, last_day - 10, last_day]),
            }
        )
    columns = list(model.columns_)
    rows = golden_rows(features)[columns].head(EXAMPLE_ROWS)
    return rows.assign(**{CUSTOMER: [f"made-up {number}" for number in range(1, len(rows) + 1)]})


def _signature(model: Any, example: pd.DataFrame) -> ModelSignature:
    """What goes in and comes out. Ids may stay away; columns that are not named are ignored."""
    if hasattr(model, "recommend"):
        # words may be texts or categories, which no other type of MLflow's allows
        inputs = [ColSpec(AnyType(), name, required=name in REQUIRED_TEXTS) for name in TEXTS]
        inputs += [ColSpec(DataType.long, name) for name in NUMBERS_OF_PURCHASES]
        params = ParamSchema([ParamSpec("limit", DataType.long, LIMIT)])
        return ModelSignature(inputs=Schema(inputs), params=params)
    inputs = [ColSpec(DataType.double, name) for name in model.columns_]
    inputs += [ColSpec(AnyType(), name, required=False) for name in KEYS]
    outputs = [
        ColSpec(
            AnyType() if name in KEYS else DataType.double, str(name), required=name not in KEYS
        )
        for name in Loaded(model).predict(example).columns
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def digest_of(directory: Path) -> str:
    """A sha256 of all files of a folder and their names."""
    digest = hashlib.sha256()
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(directory).as_posix()} {content}\n".encode())
    return digest.hexdigest()
