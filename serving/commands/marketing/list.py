"""`regulars list`."""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from features.errors import ConfigError
from features.language.languages import languages
from serving.audiences.store import AudienceStore
from serving.churn_list import lists
from serving.churn_list.files import write_list
from serving.churn_list.form import CONSENTS
from serving.commands.frame import IsoDate, Speaker, common_options
from serving.commands.people.audit import note
from serving.contacts.left_out import contactable
from serving.runs.store import RunStore
from serving.settings import load_shop
from serving.store.likely_buyers import ITEM_KINDS, item_pairs
from serving.store.protocol import SORT_KEYS, ChurnFilter, checked_span
from serving.store.rule.text import rule_of_text
from serving.store.rule.tree import RuleCondition, both_of, checked_size
from serving.store.run import RHYTHMS, RISKS, STATUSES, MoneyFormat

SHOWN_ROWS = 20


@click.command("list")
@click.option("--risk", multiple=True, type=click.Choice(RISKS), help="May be given again.")
@click.option("--status", multiple=True, type=click.Choice(STATUSES), help="May be given again.")
@click.option("--consent", multiple=True, type=click.Choice(CONSENTS), help="May be given again.")
@click.option("--rhythm", multiple=True, type=click.Choice(RHYTHMS), help="May be given again.")
@click.option(
    "--segment",
    multiple=True,
    metavar="SYSTEM:VALUE",
    help="For example rfm_group:important_keep; may be given again.",
)
@click.option("--min-value-at-risk", type=float, help="In units of the currency.")
@click.option("--due-from", type=IsoDate(), help="First day of the next order.")
@click.option("--due-until", type=IsoDate(), help="Last day of the next order.")
@click.option(
    "--will-buy",
    multiple=True,
    metavar="ITEM",
    help="product:ID or category:NAME, who is on its list of likely buyers; may be given again.",
)
@click.option(
    "--where",
    metavar="RULE",
    help="'risk = high and (clv >= 100 or spend >= 500)'; see docs/audiences.md.",
)
@click.option("--audience", metavar="NAME", help="Members of a saved audience, by name or id.")
@click.option("--search", metavar="TEXT", help="Part of a name or id, or a whole e-mail address.")
@click.option("--sort", type=click.Choice(SORT_KEYS), default=SORT_KEYS[0], show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the whole list to this .xlsx file for people, or .csv file for programs; without "
    "those who may not be contacted.",
)
@click.option(
    "--language",
    type=click.Choice(languages()),
    help="Of the words in the file; store.exports_language by default.",
)
@common_options
def list_customers(
    segment: tuple[str, ...],
    where: str | None,
    audience: str | None,
    search: str | None,
    sort: Any,
    output: Path | None,
    config: Path,
    speaker: Speaker,
    **filters: Any,
) -> None:
    """The churn list of the latest run, most value at risk first."""
    language = filters.pop("language")
    _check_items(filters["will_buy"])
    pairs = tuple(_pair(text) for text in segment)
    settings = load_shop(config)
    store = RunStore(settings.database_url(settings.store.url))
    rule = both_of(
        AudienceStore(store.engine).rule_called(audience) if audience else None,
        rule_of_text(where) if where else None,
        checked_size(RuleCondition("search", "contains", (search,))) if search else None,
    )
    chosen = checked_span(ChurnFilter(segments=pairs, rule=rule, **filters))
    if output is not None:
        detail = f"churn list as {output.suffix.lower().removeprefix('.')}"
        contactable_list = contactable(store, chosen, sort=sort, limit=lists.ROWS_PER_READ)
        count, left_out = contactable_list.first.totals.customers, contactable_list.left_out
        note(settings, "export", count=count, detail=detail, at=datetime.now(UTC))
        write_list(
            *(output, store, chosen),
            sort=sort,
            contactable=contactable_list,
            language=language or settings.store.exports_language,
        )
        sentences = (f"Wrote {count:,} customers to {output}", left_out.sentence())
        speaker.say(". ".join(filter(None, sentences)))
        speaker.result({"customers": count, "output": str(output), "left_out": left_out.to_dict()})
        return
    page = store.churn_list(chosen, sort=sort, limit=SHOWN_ROWS)
    rows = [lists.item(document) for document in page.documents]
    money = page.run.summary.money
    speaker.table(
        f"Customers as of {page.run.info.as_of}: {page.totals.customers:,}, "
        f"{money.write(page.totals.value_at_risk)} at risk in {page.run.info.horizon_days} days",
        ["customer", "risk", "churn", "at risk", "CLV", "silent", "usual gap", "why"],
        [
            [
                row["customer_id"],
                row["retention_risk"] or "–",
                f"{row['churn_probability']:.0%}",
                _amount(money, row["value_at_risk"]),
                _amount(money, row["clv"]),
                f"{row['days_since_last_order']:.0f} d",
                f"{row['usual_gap_days']:.0f} d" if row["usual_gap_days"] else "–",
                _reason(row["reasons"]),
            ]
            for row in rows
        ],
        text_columns=("risk", "why"),
    )
    if page.run.info.stand_ins_text:
        speaker.say(f"Baselines stand in: {page.run.info.stand_ins_text}.")
    if page.totals.customers > len(rows) and sys.stdout.isatty():
        speaker.say(f"{page.totals.customers - len(rows):,} more; --output list.xlsx writes all.")
    speaker.result(
        {
            **lists.run_fields(page.run),
            "total": page.totals.customers,
            "total_value_at_risk": page.totals.value_at_risk,
            "customers": rows,
        }
    )


def _amount(money: MoneyFormat, amount: float | None) -> str:
    return "–" if amount is None else money.write(amount)


def _pair(text: str) -> tuple[str, str]:
    system, colon, value = text.partition(":")
    if not (system and colon and value):
        raise ConfigError(f"--segment {text}: give it as system:value, rfm_group:general_keep.")
    return system, value


def _check_items(keys: Sequence[str]) -> None:
    for key, (kind, item) in zip(keys, item_pairs(keys), strict=True):
        if kind not in ITEM_KINDS or not item:
            raise ConfigError(f"--will-buy {key}: write product:{key} or category:NAME.")


def _reason(reasons: Sequence[Mapping[str, Any]]) -> str:
    """The first reason for the risk; those for the value stand on the customer's page."""
    of_risk = (reason for reason in reasons if reason["about"] == "risk")
    first = next(of_risk, None)
    return "no single reason" if first is None else str(first["text"]["en"])
