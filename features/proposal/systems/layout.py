"""What is known of one system's export, and which layout a header belongs to."""

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from features.settings.columns import Columns

Names = tuple[str, ...]


def _role(name: str) -> str:
    if name not in Columns.model_fields:
        raise ValueError(f"no role {name!r} in data.columns")
    return name


Role = Annotated[str, BeforeValidator(_role)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WordVerdicts(_Part):
    """What the words of a column say of a row."""

    purchase: Names = ()
    none: Names = ()
    returned: Names = Field((), alias="return")


class Layout(_Part):
    """One export of one system.

    Attributes
    ----------
    system, export : what a person calls them
    menu : where in the system the file is made
    source : the public page or repository that shows the header; none: unverified
    headers : sets of names; a file that has all names of one set has this layout
    columns : role of `data.columns` → the names it may have; the first that is filled counts, and
        of customers those that fill what the first leaves blank
    unless : role → names; in a file with one of them the role is left open
    status, document : what the system's own words mean
    fill_down : names that are blank on an order's further lines
    order_level : names of money of the whole order
    none_when_filled, none_when_empty : names whose value, or blank, makes a row no purchase
    anonymous : customer ids that are nobody
    discount, tax, shipping, naive_timestamps, timezone, currency, duplicates : as in `[data]`; None: told by the file
    no_product_names : lines of the system's own that are no goods
    notes : sentences for the shopkeeper
    join : which other file is needed, said where this one lacks the buyer, the day or the money
    """

    system: str
    export: str
    menu: str
    source: str | None = None
    verified: bool
    headers: tuple[Names, ...] = Field(min_length=1)
    columns: dict[Role, Names]
    unless: dict[Role, Names] = Field(default_factory=dict)
    status: WordVerdicts = WordVerdicts()
    document: WordVerdicts = WordVerdicts()
    fill_down: Names = ()
    order_level: Names = ()
    none_when_filled: Names = ()
    none_when_empty: Names = ()
    anonymous: Names = ()
    discount: Literal["taken_off", "to_take_off"] | None = None
    tax: Literal["included", "excluded"] | None = None
    shipping: Literal["included", "excluded"] | None = None
    naive_timestamps: Literal["utc"] | None = None
    timezone: str | None = None
    currency: str | None = None
    duplicates: Literal["keep"] | None = None
    no_product_names: Names = ()
    notes: Names = ()
    join: str | None = None

    @property
    def introduction(self) -> str:
        """What a person is told: this is the system's export, or looks like it.

        >>> layouts()["shopify_orders"].introduction
        "This is Shopify's orders export."
        """
        is_it = "This is" if self.verified else "This looks like"
        owner = f"{self.system}'" if self.system.endswith("s") else f"{self.system}'s"
        return f"{is_it} {owner} {self.export}."

    def fit(self, header: Iterable[str]) -> int:
        """How many names of the fullest set of `headers` the file has: 0 unless it has all."""
        present = {plain_name(name) for name in header}
        return max(
            (len(names) for names in self.headers if present.issuperset(map(plain_name, names))),
            default=0,
        )


def plain_name(name: str) -> str:
    """A column's name as headers are compared: case and blanks around it do not count."""
    return " ".join(name.split()).casefold()


@cache
def layouts() -> dict[str, Layout]:
    """Layout by the name of its file.

    Raises
    ------
    ValueError
        When a file of the catalogue is not a layout, naming the file.
    """
    catalogue: dict[str, Layout] = {}
    for file in sorted(files(__package__).iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".toml"):
            continue
        try:
            layout = Layout.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
        except (ValidationError, tomllib.TOMLDecodeError) as error:
            raise ValueError(f"{file.name}: {error}") from error
        catalogue[file.name.removesuffix(".toml")] = layout
    return catalogue


def layout_of_header(header: Iterable[str]) -> Layout | None:
    """The layout whose identifying names the header has; the more names, the surer."""
    names = tuple(header)
    fitting = [(layout.fit(names), layout) for layout in layouts().values()]
    fit, layout = max(fitting, key=lambda pair: pair[0])
    return layout if fit else None


def layouts_of_system(name: str) -> tuple[Layout, ...]:
    """The layouts of a system as a person writes its name: ``shopify``, ``woo``, ``淘宝``."""
    plain = plain_name(name)
    return tuple(
        layout
        for key, layout in layouts().items()
        if plain in plain_name(layout.system) or plain == key or plain == key.replace("_", "-")
    )
