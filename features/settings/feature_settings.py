"""What `features` reads of `regulars.toml`."""

from pathlib import Path

from pydantic import ValidationInfo, field_validator

from features.settings.data import Data
from features.settings.engine import Engine
from features.settings.orders_store import OrdersStore
from features.settings.predict import Predict
from features.settings.section import Section
from features.settings.segments import Segments


class FeatureSettings(Section):
    """The sections that `features` reads, and the folder their paths count from.

    `training` and `serving` add theirs in classes that inherit from this one.
    """

    root: Path = Path()
    data: Data
    predict: Predict = Predict()
    segments: Segments = Segments()
    store: OrdersStore = OrdersStore()
    engine: Engine = Engine()

    @field_validator("predict")
    @classmethod
    def _cancellations_are_known(cls, predict: Predict, info: ValidationInfo) -> Predict:
        data = info.data.get("data")
        customers = getattr(data, "customers", None)
        is_known = customers is not None and customers.cancelled_on is not None
        if predict.churn == "cancellation" and data is not None and not is_known:
            raise ValueError(
                "churn = \"cancellation\" needs 'data.customers.cancelled_on', the day on which a "
                "contract was cancelled"
            )
        return predict

    @field_validator("engine")
    @classmethod
    def _works_in(cls, engine: Engine, info: ValidationInfo) -> Engine:
        if engine.folder is None:
            return engine
        return engine.model_copy(update={"folder": info.data["root"] / engine.folder})

    def path(self, relative: str) -> Path:
        """`relative`, counted from the folder of the configuration file."""
        return self.root / relative
