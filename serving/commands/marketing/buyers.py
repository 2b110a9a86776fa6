"""`regulars buyers`."""

from pathlib import Path
from typing import cast

import click

from features.errors import ConfigError
from serving.buyers.service import item_row, item_with_buyers, items_like
from serving.churn_list.lists import run_fields
from serving.commands.frame import Speaker, common_options
from serving.runs.store import RunStore
from serving.settings import load_shop
from serving.store.likely_buyers import ITEM_KINDS, BuyerStore, ItemKind

MOST_ROWS = 25


@click.command("buyers")
@click.argument("item", required=False)
@click.option(
    "--kind", type=click.Choice(ITEM_KINDS), default="product", show_default=True, help="Of ITEM."
)
@click.option("--search", default="", help="Without ITEM: only those with these words.")
@click.option("--limit", type=click.IntRange(1, 500), default=MOST_ROWS, show_default=True)
@common_options
def buyers(
    item: str | None, kind: str, search: str, limit: int, config: Path, speaker: Speaker
) -> None:
    """Who will probably buy ITEM; without it, how many will buy each. `list --will-buy` exports."""
    settings = load_shop(config)
    store = RunStore(settings.database_url(settings.store.url))
    run, lists = store.latest_run(), BuyerStore(store.engine)
    of_kind = cast("ItemKind", kind)
    if item is None:
        items = items_like(lists.items(of_kind), search)[:limit]
        speaker.table(
            f"Buyers in the {run.info.horizon_days} days from {run.info.as_of}, 8 cases in 10:",
            [kind, "name", "buyers", "from", "to", "bought before"],
            [
                [
                    row.item_id,
                    row.name or "–",
                    f"{row.expected:,.1f}",
                    f"{row.low:,}",
                    f"{row.high:,}",
                    f"{row.past_buyers:,}",
                ]
                for row in items
            ],
            text_columns=(kind, "name"),
        )
        speaker.result({**run_fields(run), "items": [item_row(row) for row in items]})
        return
    answer = item_with_buyers(lists, of_kind, item, limit=limit)
    if answer is None:
        raise ConfigError(
            f"ITEM {item}: no list of likely buyers of this {kind}. `regulars buyers --kind {kind}` "
            "names those that have one."
        )
    speaker.table(
        f"{answer['name'] or item}: {answer['expected_buyers']:,.1f} buyers "
        f"({answer['expected_buyers_low']:,} to {answer['expected_buyers_high']:,}) in the "
        f"{run.info.horizon_days} days from {run.info.as_of}; {answer['listed']:,} on the list",
        ["customer", "chance", "times bought", "last bought"],
        [
            [
                row["customer_id"],
                f"{row['chance']:.1%}",
                f"{row['times_bought']:,}",
                "–"
                if row["last_bought_days_ago"] is None
                else f"{row['last_bought_days_ago']} d ago",
            ]
            for row in answer["customers"]
        ],
    )
    speaker.result({**run_fields(run), **answer})
