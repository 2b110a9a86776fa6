"""The tables beside the orders in `[data]`: each is optional."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from features.settings.section import ColumnName, Section

# becomes part of the name of a feature
PlainName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]

Kind = Literal[
    "visit",
    "enquiry",
    "quote",
    "cart",
    "search",
    "complaint",
    "satisfaction",
    "referral",
    "other",
]
"""What an interaction is; `other` is read and counted, but is in no feature."""

SIGNS: tuple[Kind, ...] = ("visit", "enquiry", "quote", "cart", "search")
"""Kinds of interactions that show interest in something."""


class Products(Section):
    """A table of products: what the order lines leave out."""

    path: str
    product_id: ColumnName
    name: ColumnName | None = None
    category: ColumnName | None = None
    unit_cost: ColumnName | None = None


AccountLevel = Literal["card", "person", "household", "company"]
"""What an id is. Cards are read as the person who holds them; a household or a company is not one
customer, but holds persons, households or both."""


class Identities(Section):
    """A table of the owners of cards and accounts: one person, many cards; and who belongs where."""

    path: str
    card_id: ColumnName
    customer_id: ColumnName
    level: ColumnName | None = None
    """What the `customer_id` of a row is: a person (or nothing) takes the id as a card; a household
    or a company has it as a member."""
    levels: dict[ColumnName, AccountLevel] = Field(default_factory=dict)
    """The file's word for a level → ours; our own words need no line."""
    payer: ColumnName | None = None
    """Who pays for the id of a row, where that is somebody else."""
    conflicts: Literal["refuse", "apart", "merge"] = "refuse"
    """A card of two customers: refused; left apart as a customer of its own; or the sign that
    both are one person."""


class Interactions(Section):
    """A table of what customers did beside buying: one row per event."""

    path: str
    customer_id: ColumnName
    occurred_at: ColumnName
    kind: ColumnName
    value: ColumnName | None = None
    """The score of a satisfaction, from 0 to 10."""
    other_customer_id: ColumnName | None = None
    """Whom a referral brought."""
    product_id: ColumnName | None = None
    """What was looked at, asked for or put into the cart."""
    category: ColumnName | None = None
    """The same by category; without it that of the product."""
    words: ColumnName | None = None
    """What was searched for."""
    responded_at: ColumnName | None = None
    """When an enquiry or a complaint was first answered."""
    resolved_at: ColumnName | None = None
    """When it was solved."""
    ingested_at: ColumnName | None = None
    date_format: str | None = None
    """strptime pattern of its times; None: as in the orders."""
    kinds: dict[ColumnName, Kind] = Field(default_factory=dict)
    """The file's word for a kind → ours; our own words need no line."""

    @property
    def names_items(self) -> bool:
        """Whether its rows may say which product or category they are about."""
        return bool(self.product_id or self.category)


class Contacts(Section):
    """A table of whom campaigns contacted: one row per customer and contact."""

    path: str
    customer_id: ColumnName
    contacted_at: ColumnName
    campaign: ColumnName | None = None
    cost: ColumnName | None = None
    arm: ColumnName | None = None
    ingested_at: ColumnName | None = None
    date_format: str | None = None
    """strptime pattern of its times; None: as in the orders."""
    control_arms: tuple[str, ...] = ("control",)
    """Arms whose members were held out: they were chosen, but not contacted."""


class Acquisitions(Section):
    """A table of how customers were acquired: through which channel, and what that cost."""

    path: str
    customer_id: ColumnName
    acquired_at: ColumnName
    channel: ColumnName | None = None
    cost: ColumnName | None = None
    ingested_at: ColumnName | None = None
    date_format: str | None = None
    """strptime pattern of its times; None: as in the orders."""


class Customers(Section):
    """A table of customers as they are today: one row per customer."""

    path: str
    customer_id: ColumnName
    consent: ColumnName | None = None
    """Whether the customer may be contacted; no feature."""
    name: ColumnName | None = None
    """What people call the customer; no feature."""
    contact: ColumnName | None = None
    """Address, phone number or mail address; no feature."""
    email: ColumnName | None = None
    phone: ColumnName | None = None
    postcode: ColumnName | None = None
    """With the name, what proposals of the same person are made from; no features."""
    language: ColumnName | None = None
    """In which language to write to the customer, as the shop writes it; for contact files."""
    calling_code: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,2}$")] | None = None
    """Of phone numbers without one, such as 44; for ad audiences."""
    cancelled_on: ColumnName | None = None
    """The day on which the contract was cancelled, empty while it runs."""
    started_on: ColumnName | None = None
    """The day on which the contract began, whatever has become of it since."""
    term_months: ColumnName | None = None
    """The agreed term of the contract in months, after which it may end or is renewed."""
    date_format: str | None = None
    """strptime pattern of those days; None: as in the orders."""
    attributes: dict[PlainName, ColumnName] = Field(default_factory=dict)
    """Our name → the file's column. A number is a feature as it is."""
    levels: Annotated[
        dict[PlainName, Annotated[dict[PlainName, str], Field(min_length=1, max_length=50)]],
        Field(validate_default=True, default_factory=dict),
    ]
    """Attributes that are text: our name of a level → the file's value."""

    @field_validator("attributes")
    @classmethod
    def _of_its_own(cls, attributes: dict[str, str]) -> dict[str, str]:
        if taken := attributes.keys() & {"consent", "name", "contact"}:
            raise ValueError(f"{', '.join(sorted(taken))}: a setting of the table itself")
        return attributes

    @model_validator(mode="after")
    def _of_contracts(self) -> "Customers":
        if self.started_on and not self.cancelled_on:
            raise ValueError("started_on needs cancelled_on: together they describe a contract")
        if self.term_months and not self.started_on:
            raise ValueError("term_months needs started_on, the day from which terms are counted")
        return self

    @field_validator("levels")
    @classmethod
    def _of_attributes(
        cls, levels: dict[str, dict[str, str]], info: ValidationInfo
    ) -> dict[str, dict[str, str]]:
        strangers = levels.keys() - info.data.get("attributes", {}).keys()
        if strangers and "attributes" in info.data:
            raise ValueError(
                f"{', '.join(sorted(strangers))}: no such attribute; name its column in "
                "'data.customers.attributes'"
            )
        names = [level_column(name, level) for name, values in levels.items() for level in values]
        if len(set(names)) < len(names):
            raise ValueError("two levels would give features of one name; rename one of them")
        return levels

    @property
    def numbers(self) -> dict[str, str]:
        """The attributes that are numbers: our name → the file's column."""
        return {name: column for name, column in self.attributes.items() if name not in self.levels}


def number_column(attribute: str) -> str:
    """Name of the feature that holds a number."""
    return f"attribute_{attribute}"


def level_column(attribute: str, level: str) -> str:
    """Name of the feature that says whether a customer is of a level."""
    return f"is_{attribute}_{level}"
