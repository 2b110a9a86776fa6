"""`regulars init`: look at the orders and write a regulars.toml for them."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from features.errors import ConfigError, RegularsError
from features.settings.loading import CONFIG_NAME
from serving.commands.frame import Speaker, fail, json_option, write_text
from serving.jobs.settings_text import places_beside

if TYPE_CHECKING:
    from features.proposal import Proposal
    from features.proposal.first_orders import UnderstoodOrder

_COLUMN_OPTIONS = {
    "customer": "customer_id",
    "order": "order_id",
    "date": "ordered_at",
    "time": "time",
    "amount": "amount",
    "product": "product_id",
    "product-name": "product_name",
    "category": "category",
    "quantity": "quantity",
    "price": "unit_price",
    "status": "status",
    "document": "document",
    "discount": "discount",
    "refunded": "refunded",
    "tax": "tax",
    "shipping": "shipping",
    "channel": "channel",
    "currency": "currency",
    "cost": "cost",
}
"""Option → the field of `[data.columns]` whose column the person names by it."""


def _column_options(command: Callable[..., None]) -> Callable[..., None]:
    for option, field in reversed(_COLUMN_OPTIONS.items()):
        command = click.option(
            f"--{option}",
            f"column_{field}",
            metavar="COLUMN",
            help=f"The column of data.columns.{field}, where it is not found or not right.",
        )(command)
    return command


@click.command()
@click.argument("source", metavar="FILE|URL")
@click.option("--table", help="The table or view of orders in a PostgreSQL database.")
@click.option("--query", help="Or the query that gives the orders.")
@click.option(
    "--system",
    help="The system that wrote the file (shopify, woocommerce, stripe …), or 'none' to read it "
    "without what is known of systems. Told by the header otherwise.",
)
@_column_options
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=CONFIG_NAME,
    show_default=True,
    help="Where to write the configuration.",
)
@json_option
def init(
    source: str,
    table: str | None,
    query: str | None,
    system: str | None,
    output: Path,
    *,
    as_json: bool,
    **columns: str | None,
) -> None:
    """Look at the orders and write a regulars.toml for them.

    They are in FILE (Parquet, CSV or Excel, a glob for several) or in a PostgreSQL database, as
    postgresql://user@host/database with --table or --query. What cannot be told is left open in
    the file and named.
    """
    from features.proposal import propose

    speaker = Speaker(as_json=as_json)
    options = {
        name.removeprefix("column_"): column
        for name, column in columns.items()
        if column is not None
    }
    try:
        if output.exists():
            raise ConfigError(f"{output}: exists already. Remove it or choose another --output.")
        proposal = propose(
            source,
            relative_to=output.parent,
            table=table,
            query=query,
            system=system,
            columns=options,
        )
        places = places_beside(output)
        write_text(output, proposal.toml + places)
    except RegularsError as error:
        fail(error)
    _say(speaker, proposal, output)
    speaker.result(_as_json(proposal, output, places))


def _say(speaker: Speaker, proposal: "Proposal", output: Path) -> None:
    for note in proposal.notes:
        speaker.say(f"• {note}")
    if proposal.first_orders:
        speaker.say("")
        speaker.table(
            "The first orders as they are understood: does this fit what you know of them?",
            [
                "date",
                "order",
                "customer",
                "lines",
                "goods",
                "discount",
                "refund",
                "total",
                "read as",
            ],
            [_row(order) for order in proposal.first_orders],
            text_columns=("order", "customer", "read as"),
        )
    speaker.say("")
    if proposal.open_fields:
        fields = ", ".join(f"data.columns.{field}" for field in proposal.open_fields)
        speaker.say(f"Wrote {output} with lines left open: fill in {fields}.")
    else:
        speaker.say(f"Wrote {output}.")
    speaker.say_next("check", output)


def _row(order: "UnderstoodOrder") -> list[str]:
    money = (order.goods, order.discount, order.refunded, order.total)
    return [
        "" if order.ordered_at is None else f"{order.ordered_at:%Y-%m-%d %H:%M}",
        order.order_id or "",
        order.customer_id or "anonymous",
        str(order.lines),
        *("?" if value is None else f"{value:,.2f}" for value in money),
        order.read_as,
    ]


def _as_json(proposal: "Proposal", output: Path, places: str) -> dict[str, object]:
    return {
        "config": str(output),
        "system": proposal.system,
        "notes": proposal.notes,
        "open": proposal.open_fields,
        "first_orders": [order.to_dict() for order in proposal.first_orders],
        "settings": proposal.shown | tomllib.loads(places),
    }
