"""`regulars campaigns`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from serving.campaigns.plan import CampaignView
from serving.campaigns.service import CampaignService
from serving.commands.frame import Speaker, common_options
from serving.server.stores import open_stores
from serving.settings import load_shop
from serving.store.money import money_format

VERDICTS = {
    "positive": "earned more than it cost",
    "negative": "lost money",
    "too_small_to_tell": "too small to tell",
}


@click.group()
def campaigns() -> None:
    """What campaigns were made, and what they showed to have earned."""


@campaigns.command("list")
@common_options
def list_campaigns(config: Path, speaker: Speaker) -> None:
    """All campaigns, the latest first."""
    every_campaign = _service(config).campaigns()
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
    speaker.result({"campaigns": every_campaign})


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
    effects = [
        effect for effect in measured["effects"] if effect["measure"] in {"revenue", "profit"}
    ]
    speaker.table(
        f"Measured until {measured['measured_until']}, 90 % intervals",
        ["arm", "more", "in all", "from", "to", "verdict"],
        [
            [
                effect["arm"],
                effect["measure"],
                *(money.write(effect["total"][end]) for end in ("value", "low", "high")),
                VERDICTS[effect["verdict"]],
            ]
            for effect in effects
        ],
        text_columns=("verdict",),
    )


def _members(view: CampaignView, *, contacted: bool) -> int:
    return sum(arm["members"] for arm in view["arms"] if arm["contacted"] is contacted)


def _service(config: Path) -> CampaignService:
    settings = load_shop(config)
    stores = open_stores(settings.database_url(settings.store.url))
    return CampaignService(stores.campaigns, lambda: datetime.now(UTC))
