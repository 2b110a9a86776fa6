"""`regulars campaigns`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from features.language.languages import languages
from serving.campaigns.files.contact_file import (
    audience_file,
    contact_csv,
    contact_rows,
    contact_workbook,
    contacts_of,
)
from serving.campaigns.files.platforms import PLATFORMS, Platform
from serving.campaigns.plan import CampaignView
from serving.campaigns.service import CampaignResults, CampaignService
from serving.campaigns.store import MeasuredCampaign
from serving.campaigns.telling import profit_of
from serving.churn_list.files import write_whole
from serving.commands.frame import Speaker, common_options
from serving.commands.people.audit import note
from serving.contacts.address_book import AddressBook
from serving.server.stores import open_stores
from serving.settings import load_shop
from serving.store.money import money_format
from serving.store.run import MoneyFormat
from training.experiments.campaign_reading import ArmEffect
from training.experiments.decisions.decision_reading import DecisionReading

VERDICTS = {
    "positive": "earned more than it cost",
    "negative": "lost money",
    "too_small_to_tell": "too small to tell",
}


EFFECTS = {"positive": "higher", "negative": "lower", "too_small_to_tell": "too small to tell"}
STOPS = {
    "rounds_done": "All planned rounds are over.",
    "exploring_costs_more_than_it_can_bring": "Stopped: one more round would cost more than it could"
    " still bring.",
}
SAVED = {
    "share": "A contact saved {value:.1%} of the value at risk ({low:.1%} to {high:.1%}).",
    "at_least": "A contact saved at least {low:.1%} of the value at risk.",
    "all": "A contact brought more than the whole value at risk: part of it came from customers"
    " who were not slipping away.",
    "lost": "A contact saved nothing of the value at risk: those contacted bought less.",
    "cannot_tell": "Which share of the value at risk a contact saved cannot be told from this"
    " campaign: it may be none.",
}


@click.group()
def campaigns() -> None:
    """What campaigns were made, and what they showed to have earned."""


@campaigns.command("list")
@common_options
def list_campaigns(config: Path, speaker: Speaker) -> None:
    """All campaigns, the latest first."""
    service = _service(config)
    every_campaign = service.campaigns()
    speaker.table(
        f"{len(every_campaign):,} campaigns",
        ["id", "name", "status", "from", "to", "contacted", "left alone", "measured until"],
        [
            [
                campaign["campaign_id"],
                campaign["name"],
                campaign["status"],
                campaign["starts_on"],
                campaign["ends_on"],
                f"{_members(campaign, contacted=True):,}",
                f"{_members(campaign, contacted=False):,}",
                campaign["measured_until"] or "–",
            ]
            for campaign in every_campaign
        ],
        text_columns=("name",),
    )
    together = service.pooled()
    if together:
        speaker.table(
            "\nThe ended campaigns together, per contact, 90 % intervals (random effects)",
            ["effect on", "campaigns", "mean", "from", "to", "spread", "verdict"],
            [
                [
                    entry["measure"],
                    str(entry["campaigns"]),
                    *(f"{entry['per_contact'][end]:.4g}" for end in ("value", "low", "high")),
                    f"{entry['spread']:.4g}",
                    EFFECTS[entry["verdict"]],
                ]
                for entry in together
            ],
            text_columns=("verdict",),
        )
    speaker.result({"campaigns": every_campaign, "pooled": together})


@campaigns.command()
@click.argument("campaign_id")
@click.option("--arm", help="One contacted arm; all of them without it.")
@click.option(
    "--for",
    "platform",
    type=click.Choice(PLATFORMS),
    help="Hashed addresses as this platform takes them, instead of a contact file.",
)
@click.option("--language", type=click.Choice(languages()), help="Of the words in the file.")
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A .xlsx file for people, or a .csv file.",
)
@common_options
def contacts(
    *,
    campaign_id: str,
    arm: str | None,
    platform: Platform | None,
    language: str | None,
    output: Path,
    config: Path,
    speaker: Speaker,
) -> None:
    """Write whom to contact: address, language, reason, three offers, personal code.

    Who may not be contacted is left out.
    """
    settings = load_shop(config)
    stores = open_stores(settings.database_url(settings.store.url))
    service = CampaignService(stores.campaigns, lambda: datetime.now(UTC))
    book = AddressBook.of(settings)
    people = contacts_of(service, campaign_id, book, arm=arm)
    count, lines = len(people.members), None
    if platform is not None:
        count, lines = audience_file(people, book, platform)
    detail = f"contacts of {campaign_id} as {platform or output.suffix.removeprefix('.')}"
    note(settings, "export", count=count, detail=detail, at=datetime.now(UTC))
    words = language or settings.store.exports_language
    write_whole(
        output,
        csv=lambda: lines or contact_csv(contact_rows(people, stores.scores, words)),
        xlsx=None if platform else lambda: contact_workbook(people, stores.scores, words),
    )
    sentences = (f"Wrote {count:,} customers to {output}", people.left_out.sentence())
    speaker.say(". ".join(filter(None, sentences)))
    if platform is None and people.without_address:
        speaker.say(f"Without e-mail and phone: {people.without_address:,}.")
    speaker.result(
        {
            "customers": count,
            "without_address": people.without_address,
            "output": str(output),
            "left_out": people.left_out.to_dict(),
        }
    )


@campaigns.command()
@click.argument("campaign_id")
@common_options
def results(campaign_id: str, config: Path, speaker: Speaker) -> None:
    """What came of a campaign, with 90 % intervals."""
    outcome = _service(config).results(campaign_id)
    speaker.result(outcome)
    measured = outcome["measured"]
    if measured is None:
        speaker.say("Nothing is measured yet: the next `regulars score` after its start does it.")
        return
    money = money_format(outcome["currency"])
    speaker.say(f"Measured until {measured['measured_until']}. {_headline(outcome, money)}")
    _say_arms(speaker, measured, money)
    _say_effects(speaker, measured, money)
    if (learned := measured.get("decision")) is not None:
        _say_rounds(speaker, learned, money)
    if (manner := outcome["save_rate_told"]) and (rate := measured["save_rate"]):
        speaker.say(f"\n{SAVED[manner].format(**rate)}")


def _say_rounds(speaker: Speaker, learned: DecisionReading, money: MoneyFormat) -> None:
    speaker.table(
        "\nWhat the rounds have shown: more than no contact per member, the cost taken off;"
        " intervals that hold however often they are looked at",
        ["treatment", "more", "from", "to", "verdict", "next share"],
        [
            [
                row["arm"],
                *(money.write(row["effect"][end]) for end in ("value", "low", "high")),
                EFFECTS[row["verdict"]],
                f"{learned['next'][0]['shares'][row['arm']]:.1%}",
            ]
            for row in learned["effects"]
        ],
        text_columns=("verdict",),
    )
    speaker.say(
        f"Exploring has cost about {money.write(learned['exploring_cost'])}; equal shares would have"
        f" cost {money.write(learned['equal_shares_cost'])}."
    )
    if learned["stop"]:
        speaker.say(f"{STOPS[learned['stop']]} Best by what is known: {learned['best']}.")


def _headline(outcome: CampaignResults, money: MoneyFormat) -> str:
    """One sentence; a figure in it only where it may be told."""
    headline, profit = outcome["headline"], profit_of(outcome["measured"])
    match headline["state"]:
        case "not_measured":
            return "Several arms, or an arm that is too small: see the tables."
        case "open":
            return "Open: the figures still move."
    assert profit is not None  # noqa: S101 - measured to its end
    ends = " to ".join(money.write(profit["total"][end]) for end in ("low", "high"))
    if headline["profit"] is None:
        return f"Too small to tell: the contacts earned {ends} in 9 of 10 such campaigns."
    verdict = VERDICTS[profit["verdict"]]
    return f"It {verdict}: {money.write(headline['profit']['value'])}, 9 in 10 {ends}."


def _say_arms(speaker: Speaker, measured: MeasuredCampaign, money: MoneyFormat) -> None:
    speaker.table(
        "\nWhat each arm did",
        ["arm", "customers", "ordered", "revenue each", "cost"],
        [
            [
                arm["arm"],
                f"{arm['members']:,}",
                f"{arm['response_rate']:.1%}",
                money.write(arm["revenue_per_member"]),
                money.write(arm["cost"]),
            ]
            for arm in measured["arms"]
        ],
    )


def _say_effects(speaker: Speaker, measured: MeasuredCampaign, money: MoneyFormat) -> None:
    def write(effect: ArmEffect, value: float) -> str:
        if effect["measure"] in {"revenue", "profit"}:
            return money.write(value)
        return f"{value:+.3f}" if effect["measure"] == "orders" else f"{100 * value:+.2f} points"

    speaker.table(
        "\nFrom the plain difference to the effect per contact, 90 % intervals",
        ["arm", "effect on", "plain difference", "adjusted", "from", "to", "verdict"],
        [
            [
                effect["arm"],
                effect["measure"],
                write(effect, effect["plain"]) if "plain" in effect else "–",
                *(write(effect, effect["per_contact"][end]) for end in ("value", "low", "high")),
                EFFECTS[effect["verdict"]],
            ]
            for effect in measured["effects"]
        ],
        text_columns=("effect on", "verdict"),
    )


def _members(view: CampaignView, *, contacted: bool) -> int:
    return sum(arm["members"] for arm in view["arms"] if arm["contacted"] is contacted)


def _service(config: Path) -> CampaignService:
    settings = load_shop(config)
    stores = open_stores(settings.database_url(settings.store.url))
    return CampaignService(stores.campaigns, lambda: datetime.now(UTC))
