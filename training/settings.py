"""What `training` reads of `regulars.toml` beside the settings of `features`."""

from pydantic import Field, model_validator

from features.settings.feature_settings import FeatureSettings
from features.settings.orders_store import OrdersStore
from features.settings.section import Section


class BoostingSettings(Section):
    """How the trees of churn, value and next order grow; see `training.models.boosting`."""

    rounds: int = Field(100, ge=1, le=10_000)
    learning_rate: float = Field(0.06, gt=0, le=1)
    leaves: int = Field(8, ge=2, le=1024)
    min_rows_in_leaf: int = Field(100, ge=1)
    feature_fraction: float = Field(0.4, gt=0, le=1)
    l2: float = Field(20.0, ge=0)


class Train(Section):
    """How the models are fitted and judged."""

    boosting: BoostingSettings = BoostingSettings()

    seed: int = Field(20_260_101, ge=0, lt=2**31)
    threads: int = Field(2, ge=1, le=256)
    cutoff_step_days: int | None = Field(None, ge=1)
    """Days between training cutoffs; None: a third of the horizon."""
    max_cutoffs: int = Field(6, ge=1, le=60)
    folds: int = Field(3, ge=1, le=20)
    min_customers: int = Field(20, ge=10)
    churn_model: str | None = None
    """The name of an installed package's classifier (`regulars.models`); None: ours."""
    value_model: str | None = None
    """The name of an installed package's regressor (`regulars.models`); None: ours."""
    carry_over: bool = True
    """Whether the level of the total follows what past seasons, windows and runs were off by."""
    due_days: int | None = Field(None, ge=1)
    """`regulars run` trains again after so many days of orders; None: a third of the horizon."""
    due_new_orders: float = Field(0.01, ge=0, le=100)
    """It trains earlier when the orders have changed in number by more than this share …"""
    due_drift: float = Field(0.25, gt=0, le=100)
    """… or when a group of features has drifted further than this since the training."""


class Tracking(Section):
    """Where MLflow keeps runs and registered models."""

    uri: str = "sqlite:///mlruns/mlflow.db"
    artifacts: str = "mlruns/artifacts"
    experiment: str = "regulars"
    models: str = Field("regulars", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$")
    """How the names of the registered models begin; shops of one server need different ones."""


class Recommend(Section):
    """Rules that hold before the first products are taken; each left out filters nothing."""

    allow: tuple[str, ...] = ()
    """Product ids; where there are any, only these are recommended."""
    deny: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    """Categories; where there are any, only these are recommended."""
    deny_categories: tuple[str, ...] = ()
    in_stock: str | None = None
    """A CSV or Parquet file with the ids of what can be sold, in a column `product_id`."""
    price_from: float | None = Field(None, ge=0)
    price_to: float | None = Field(None, ge=0)
    """Range of the median price that customers paid for one piece."""
    bought_within_days: int | None = Field(None, ge=0)
    """Hides what the customer bought in the last so many days."""
    per_category: int | None = Field(None, ge=1)
    """At most so many products of one category per customer."""
    new_share: float | None = Field(0.1, ge=0, le=1)
    """Share of products that are new to the customer."""
    sold_within_days: int | None = Field(180, ge=1)
    """Where no stock is known, only what was sold to anybody in the last so many days."""
    twins: bool = False
    """Near-duplicates stand in lists as often as they score, not only as often as in orders."""
    ended_rhythms: bool = False
    """What a customer bought regularly and has not for ten of its usual gaps stays in lists."""
    spread: bool = True
    """New products that would stand in most customers' lists step back."""
    needs_consent: bool = False
    """Customers without consent in data.customers get what is popular, whatever they bought."""

    @model_validator(mode="after")
    def _ascending(self) -> "Recommend":
        if None not in (self.price_from, self.price_to) and self.price_from > self.price_to:  # type: ignore[operator]
            raise ValueError("price_from must not be above price_to")
        return self


class ModelStore(OrdersStore):
    """Where the published models are kept beside the orders."""

    bundles: str = "data/bundles"
    keep_bundles: int = Field(5, ge=2, le=1000)
    """How many published sets of models stay: the one in force and those before it."""


class TrainingSettings(FeatureSettings):
    """The sections that `training` reads."""

    recommend: Recommend = Recommend()
    train: Train = Train()
    tracking: Tracking = Tracking()
    store: ModelStore = ModelStore()

    def database_url(self, url: str) -> str:
        """`url` with the path of a SQLite file counted from the configuration's folder."""
        head = "sqlite:///"
        if not url.startswith(head) or url.startswith("sqlite:////"):
            return url
        return head + str((self.root / url.removeprefix(head)).resolve())
