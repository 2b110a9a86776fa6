"""`regulars.toml`, read once at the edge into a frozen value.

Unknown keys are refused and every problem of a file is reported at once, each with
the setting it belongs to. Relative paths count from the folder of the file.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from babel.numbers import get_currency_precision, list_currencies
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from features.errors import ConfigError

CONFIG_NAME = "regulars.toml"


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is not an IANA time zone such as 'Europe/London'")
    return name


def _known_currency(code: str) -> str:
    if code not in list_currencies():
        raise ValueError(f"{code!r} is not an ISO 4217 currency code such as 'GBP'")
    return code


TimeZone = Annotated[str, AfterValidator(_known_zone)]
Currency = Annotated[str, AfterValidator(_known_currency)]
# as it stands in the file, spaces and all
ColumnName = Annotated[str, StringConstraints(min_length=1, strip_whitespace=False)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Columns(_Section):
    """Which column of the file is which. Only what the file has needs a line."""

    customer_id: ColumnName
    ordered_at: ColumnName
    order_id: ColumnName | None = None
    product_id: ColumnName | None = None
    product_name: ColumnName | None = None
    category: ColumnName | None = None
    quantity: ColumnName | None = None
    amount: ColumnName | None = None
    unit_price: Annotated[ColumnName | None, Field(validate_default=True)] = None
    discount: tuple[ColumnName, ...] = ()
    cost: ColumnName | None = None
    channel: ColumnName | None = None
    ingested_at: ColumnName | None = None

    @field_validator("discount", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    # on a field rather than the section: a section with other problems is not looked at
    @field_validator("unit_price")
    @classmethod
    def _money_is_known(cls, unit_price: str | None, info: ValidationInfo) -> str | None:
        known = {"quantity", "amount"} <= info.data.keys()
        if known and info.data["amount"] is None and None in (unit_price, info.data["quantity"]):
            raise ValueError(
                "needs either 'amount' (net paid for the line) or both 'unit_price' and 'quantity'"
            )
        return unit_price

    def mapped(self) -> dict[str, tuple[str, ...]]:
        """Field → the file's columns it is read from, for the fields that are mapped."""
        pairs = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: value if isinstance(value, tuple) else (value,)
            for name, value in pairs.items()
            if value
        }


class Rules(_Section):
    """What counts as an order of a customer."""

    cancelled_order_prefix: str | None = None
    ignore_products: tuple[str, ...] = ()
    duplicates: Literal["drop", "keep"] | None = None
    """Exact duplicate rows of one file; None: dropped where orders have ids, else kept."""


class Data(_Section):
    """Where the orders are and how to read them."""

    transactions: str
    timezone: TimeZone = "UTC"
    naive_timestamps: Literal["local", "utc"] = "local"
    """What a timestamp without an offset means: the time on the shop's wall, or UTC."""
    date_format: str | None = None
    """strptime pattern of `ordered_at` where it is text or a number and not ISO 8601."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of numbers in text columns."""
    currency: Currency = "EUR"
    columns: Columns
    rules: Rules = Rules()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def minor_units(self) -> int:
        """How many minor units make one unit of the currency (100 for GBP, 1 for JPY)."""
        return int(10 ** get_currency_precision(self.currency))


class RiskBands(_Section):
    """Lower edges of the bands of `retention_risk`, as churn probabilities."""

    medium: float = Field(0.25, gt=0, lt=1)
    high: float = Field(0.50, gt=0, lt=1)
    critical: float = Field(0.75, gt=0, lt=1)

    @model_validator(mode="after")
    def _ascending(self) -> "RiskBands":
        if not self.medium < self.high < self.critical:
            raise ValueError("medium < high < critical must hold")
        return self


class Predict(_Section):
    """What is predicted."""

    horizon_days: int = Field(90, ge=7, le=730)
    discount_rate_per_year: float = Field(0.10, ge=0, le=1)
    lifetime_years: float = Field(5.0, gt=0, le=30)
    recommendations: int = Field(20, ge=1, le=200)
    risk: RiskBands = RiskBands()


class Train(_Section):
    """How the models are fitted and judged."""

    seed: int = Field(20_260_101, ge=0, lt=2**31)
    threads: int = Field(2, ge=1, le=256)
    cutoff_step_days: int | None = Field(None, ge=1)
    """Days between training cutoffs; None: a third of the horizon."""
    max_cutoffs: int = Field(6, ge=1, le=60)
    folds: int = Field(3, ge=1, le=20)
    min_customers: int = Field(50, ge=10)


class Tracking(_Section):
    """Where MLflow keeps runs and registered models."""

    uri: str = "sqlite:///mlruns/mlflow.db"
    artifacts: str = "mlruns/artifacts"
    experiment: str = "regulars"


class Store(_Section):
    """Where score runs and the published models are kept."""

    url: str = "sqlite:///data/regulars.db"
    bundles: str = "data/bundles"
    quarantine: str = "data/quarantine.parquet"


class Engine(_Section):
    """Limits of the embedded engine that computes features."""

    memory: str = Field("1500MB", pattern=r"^\d+(\.\d+)?\s?[KMGT]i?B$")
    threads: int = Field(2, ge=1, le=256)


class Settings(_Section):
    """The whole of `regulars.toml` and the folder its paths count from."""

    data: Data
    predict: Predict = Predict()
    train: Train = Train()
    tracking: Tracking = Tracking()
    store: Store = Store()
    engine: Engine = Engine()
    root: Path = Path()

    def path(self, relative: str) -> Path:
        """`relative`, counted from the folder of the configuration file."""
        return self.root / relative

    def database_url(self, url: str) -> str:
        """`url` with the path of a SQLite file counted from the configuration's folder."""
        head = "sqlite:///"
        if not url.startswith(head) or url.startswith("sqlite:////"):
            return url
        return head + str((self.root / url.removeprefix(head)).resolve())


def load_settings(path: Path | str = CONFIG_NAME) -> Settings:
    """Read and check a configuration file.

    Parameters
    ----------
    path : path of the TOML file

    Returns
    -------
    Settings, frozen; `root` is the folder of the file.

    Raises
    ------
    ConfigError
        Listing every problem of the file, one line each.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file. `regulars init FILE` writes one by looking at your orders."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}).") from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}.") from None
    if "root" in values:
        raise ConfigError(f"{path}: unknown setting 'root'.")
    return settings_from(values, root=path.parent, name=str(path))


def settings_from(values: dict[str, Any], *, root: Path, name: str = CONFIG_NAME) -> Settings:
    """Check `values` (as parsed from TOML) and freeze them; see `load_settings`."""
    try:
        return Settings.model_validate({**values, "root": root})
    except ValidationError as error:
        raise ConfigError([_sentence(name, problem) for problem in error.errors()]) from None


def _sentence(name: str, problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    match problem["type"]:
        case "extra_forbidden":
            return f"{name}: unknown setting '{where}'. Remove it or correct its name."
        case "missing":
            return f"{name}: '{where}' is missing. Add it."
        case "value_error":
            # the money of an order is a matter of several columns
            where = where.removesuffix(".unit_price")
            return f"{name}: '{where}': {problem['ctx']['error']}."
        case _:
            return f"{name}: '{where}': {problem['msg']} (it is {problem['input']!r})."
