"""`regulars.toml`, read once at the edge into a frozen value.

Unknown keys are refused and every problem of a file is reported at once, each with
the setting it belongs to. Relative paths count from the folder of the file.
"""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from babel.numbers import get_currency_precision, list_currencies
from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from features.errors import ConfigError
from features.settings.campaigns import Campaigns
from features.settings.changes import Changes
from features.settings.engine import Engine
from features.settings.funnel import Funnel, LoyaltyWeights
from features.settings.predict import Predict
from features.settings.recommend import Recommend
from features.settings.serve import Serve
from features.settings.tables import ColumnName, Contacts, Customers, Interactions, Section

CONFIG_NAME = "regulars.toml"
POSTGRES = ("postgresql://", "postgres://")


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is not an IANA time zone such as 'Europe/London'")
    return name


def _known_currency(code: str) -> str:
    if code not in list_currencies():
        raise ValueError(f"{code!r} is not an ISO 4217 currency code such as 'GBP'")
    return code


def minor_units(currency: str) -> int:
    """How many minor units make one unit of a currency.

    >>> minor_units("GBP"), minor_units("JPY")
    (100, 1)
    """
    return int(10 ** get_currency_precision(currency))


TimeZone = Annotated[str, AfterValidator(_known_zone)]
Currency = Annotated[str, AfterValidator(_known_currency)]


class Columns(Section):
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
    card_id: ColumnName | None = None
    """Card or account: who bought where `customer_id` is empty; see `Identities`."""
    currency: ColumnName | None = None

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


class Rules(Section):
    """What counts as an order of a customer."""

    cancelled_order_prefix: str | None = None
    ignore_products: tuple[str, ...] = ()
    duplicates: Literal["drop", "keep"] | None = None
    """Exact duplicate rows of one file; None: dropped where orders have ids, else kept."""
    anonymous_customers: tuple[str, ...] = ()
    """Customer ids that are no person: tills, default cards; their rows count as anonymous."""
    product_code_case: Literal["keep", "upper"] = "keep"
    """"upper" reads product codes in capital letters without blanks: '85099b ' is '85099B'."""


class Products(Section):
    """A table of products: what the order lines do not say about them."""

    path: str
    product_id: ColumnName
    name: ColumnName | None = None
    category: ColumnName | None = None
    unit_cost: ColumnName | None = None


class Identities(Section):
    """A table that says whose card or account it is: one person, many cards."""

    path: str
    card_id: ColumnName
    customer_id: ColumnName
    conflicts: Literal["refuse", "apart", "merge"] = "refuse"
    """A card of two customers: refused; left apart as a customer of its own; or the sign that
    both are one person."""


# more digits would not fit the exact arithmetic of amounts
Rate = Annotated[Decimal, Field(gt=0, lt=10**6, decimal_places=12)]


class Data(Section):
    """Where the orders are and how to read them."""

    transactions: str = Field(repr=False)
    """Files, or the URL of a PostgreSQL database, which may hold a password."""
    table: str | None = Field(None, min_length=1)
    query: str | None = Field(None, min_length=1, validate_default=True)
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
    rates: dict[Currency, Rate] = Field(default_factory=dict)
    """What one unit of another currency is worth in `currency`."""
    products: Products | None = None
    identities: Identities | None = None
    interactions: Interactions | None = None
    contacts: Contacts | None = None
    customers: Customers | None = None

    # on a field, like the money of `Columns`
    @field_validator("query")
    @classmethod
    def _place_is_known(cls, query: str | None, info: ValidationInfo) -> str | None:
        if not {"transactions", "table"} <= info.data.keys():
            return query
        given = (query is not None) + (info.data["table"] is not None)
        if info.data["transactions"].startswith(POSTGRES):
            if given != 1:
                raise ValueError("orders in PostgreSQL need either 'table' or 'query'")
        elif given:
            raise ValueError("'table' and 'query' are for orders in PostgreSQL, not in files")
        return query

    @field_validator("rates")
    @classmethod
    def _rates_are_used(cls, rates: dict[str, Decimal], info: ValidationInfo) -> dict[str, Decimal]:
        columns, currency = info.data.get("columns"), info.data.get("currency")
        if rates and columns and columns.currency is None:
            raise ValueError("needs 'data.columns.currency', which says what each row is paid in")
        if rates.get(str(currency), 1) != 1:
            raise ValueError(f"one {currency} is one {currency}: leave its rate out")
        return rates

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def minor_units(self) -> int:
        """How many minor units make one unit of the currency (100 for GBP, 1 for JPY)."""
        return minor_units(self.currency)


def _whole(shares: dict[str, float]) -> None:
    if abs(sum(shares.values()) - 1) > 1e-9:
        raise ValueError(f"the shares {', '.join(shares)} must add up to 1")


class AbcShares(Section):
    """Shares of the whole contribution that the classes bring, best customers first."""

    a: float = Field(0.80, gt=0, lt=1)
    b: float = Field(0.15, gt=0, lt=1)
    c: float = Field(0.05, gt=0, lt=1)

    @model_validator(mode="after")
    def _add_up(self) -> "AbcShares":
        _whole(self.model_dump())
        return self


class PyramidShares(Section):
    """Shares of the customers in the tiers, from the top."""

    platinum: float = Field(0.01, gt=0, lt=1)
    gold: float = Field(0.04, gt=0, lt=1)
    iron: float = Field(0.15, gt=0, lt=1)
    lead: float = Field(0.80, gt=0, lt=1)
    top: float = Field(0.20, gt=0, lt=1)
    """The upper of the two tiers of the 80/20 view."""

    @model_validator(mode="after")
    def _add_up(self) -> "PyramidShares":
        _whole(self.model_dump(exclude={"top"}))
        return self


class LifecycleRules(Section):
    """When a relationship is young, fading or over; see `features.segments.lifecycle`."""

    exploration_days: int = Field(2, ge=1)
    """Purchase days up to which a customer is still trying the shop."""
    decline_gaps: float = Field(2.0, gt=1)
    """Silence in own usual gaps from which a customer declines."""
    lost_gaps: float = Field(4.0, gt=1)
    lost_after_days_min: int = Field(90, ge=1)
    lost_after_days_max: int = Field(365, ge=1)
    growth_ratio: float = Field(1.25, ge=1)
    """Daily spend of the last period against the time before, from which it grows."""
    decline_ratio: float = Field(0.50, gt=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> "LifecycleRules":
        if self.decline_gaps > self.lost_gaps:
            raise ValueError("decline_gaps <= lost_gaps must hold")
        if self.lost_after_days_min > self.lost_after_days_max:
            raise ValueError("lost_after_days_min <= lost_after_days_max must hold")
        return self


class Levels(Section):
    """Shares of the customers below the middle and below the high level."""

    middle_from: float = Field(1 / 3, gt=0, lt=1)
    high_from: float = Field(2 / 3, gt=0, lt=1)

    @model_validator(mode="after")
    def _ascending(self) -> "Levels":
        if not self.middle_from < self.high_from:
            raise ValueError("middle_from < high_from must hold")
        return self


class ManagementScore(Section):
    """Weights of the parts of the score (their ratio counts) and lower edges of its classes."""

    behaviour: float = Field(0.30, ge=0)
    contribution: float = Field(0.50, ge=0)
    loyalty: float = Field(0.20, ge=0)
    referral_share: float = Field(0.20, ge=0, le=1)
    """What people referred have spent counts as this share of it for who referred them."""
    vip_from: int = Field(80, ge=1, le=100)
    regular_from: int = Field(50, ge=1, le=100)

    @model_validator(mode="after")
    def _usable(self) -> "ManagementScore":
        if self.behaviour + self.contribution + self.loyalty <= 0:
            raise ValueError("one of behaviour, contribution and loyalty must weigh something")
        if not self.regular_from < self.vip_from:
            raise ValueError("regular_from < vip_from must hold")
        return self


class GrowthShare(Section):
    """Cut points of the growth-share matrix."""

    growth: float | None = Field(None, ge=-1)
    """Growth from which it is high; None: the growth of all together."""
    relative_share: float = Field(1.0, gt=0)
    """Sales in mean sales from which they are high."""


class ClusterSearch(Section):
    """How many clusters are tried, and how each number is judged."""

    fewest: int = Field(3, ge=2, le=20)
    most: int = Field(8, ge=2, le=20)
    resamples: int = Field(10, ge=2, le=200)

    @model_validator(mode="after")
    def _ascending(self) -> "ClusterSearch":
        if self.fewest > self.most:
            raise ValueError("fewest <= most must hold")
        return self


class Affinity(Section):
    """Which pairs of products or categories are worth a line."""

    min_support: float = Field(0.001, gt=0, lt=1)
    min_orders: int = Field(10, ge=1)
    pairs: int = Field(200, ge=1, le=10_000)


class Segments(Section):
    """Cut points of the segment systems; `docs/segments.md` tells their rules."""

    window_days: Literal[30, 90, 180, 365] = 365
    """How far back orders and spend count."""
    period_days: Literal[90, 180] = 180
    """Growth and trend compare this long a period with the one before."""
    abc: AbcShares = AbcShares()
    pyramid: PyramidShares = PyramidShares()
    lifecycle: LifecycleRules = LifecycleRules()
    levels: Levels = Levels()
    loyalty: LoyaltyWeights = LoyaltyWeights()
    management: ManagementScore = ManagementScore()
    growth_share: GrowthShare = GrowthShare()
    clusters: ClusterSearch = ClusterSearch()
    affinity: Affinity = Affinity()
    funnel: Funnel = Funnel()


class Train(Section):
    """How the models are fitted and judged."""

    seed: int = Field(20_260_101, ge=0, lt=2**31)
    threads: int = Field(2, ge=1, le=256)
    cutoff_step_days: int | None = Field(None, ge=1)
    """Days between training cutoffs; None: a third of the horizon."""
    max_cutoffs: int = Field(6, ge=1, le=60)
    folds: int = Field(3, ge=1, le=20)
    min_customers: int = Field(20, ge=10)


class Tracking(Section):
    """Where MLflow keeps runs and registered models."""

    uri: str = "sqlite:///mlruns/mlflow.db"
    artifacts: str = "mlruns/artifacts"
    experiment: str = "regulars"


class Store(Section):
    """Where score runs and the published models are kept."""

    url: str = "sqlite:///data/regulars.db"
    bundles: str = "data/bundles"
    keep_bundles: int = Field(5, ge=2, le=1000)
    """How many published sets of models stay: the one in force and those before it."""
    keep_runs: int = Field(30, ge=2, le=10_000)
    """How many score runs stay; `docs/settings.md` says which others do."""
    quarantine: str = "data/quarantine.parquet"
    erasure_key: str = "data/erasure.key"
    """The secret that keeps erased customers out without naming them."""
    log: str | None = None
    """Where orders are kept between runs, so that new files cost what they touch."""


class Settings(Section):
    """The whole of `regulars.toml` and the folder its paths count from."""

    root: Path = Path()
    data: Data
    predict: Predict = Predict()
    recommend: Recommend = Recommend()
    segments: Segments = Segments()
    train: Train = Train()
    tracking: Tracking = Tracking()
    store: Store = Store()
    changes: Changes = Changes()
    campaigns: Campaigns = Campaigns()
    engine: Engine = Engine()
    serve: Serve = Serve()

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
    where = ".".join(str(part) for part in problem["loc"]).removesuffix(".[key]")
    match problem["type"]:
        case "extra_forbidden":
            return f"{name}: unknown setting '{where}'. Remove it or correct its name."
        case "missing":
            return f"{name}: '{where}' is missing. Add it."
        case "value_error":
            # the money of an order and the place of orders are a matter of several settings
            where = where.removesuffix(".unit_price").removesuffix(".query")
            return f"{name}: '{where}': {problem['ctx']['error']}."
        case _:
            came = repr(problem["input"])
            # a URL may hold a password
            shown = "" if "://" in came else f" (it is {came})"
            return f"{name}: '{where}': {problem['msg']}{shown}."
