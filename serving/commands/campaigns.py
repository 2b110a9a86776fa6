"""`regulars campaigns`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from features.settings.loading import load_settings
from serving.campaigns.plan import CampaignView
from serving.campaigns.service import CampaignService
from serving.commands.frame import Speaker, common_options
from serving.server.stores import open_stores
from serving.settings import Settings
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
    found = _service(config).campaigns()
    speaker.table(
        f"{len(found):,} campaigns",
        ["id", "name", "status", "from", "to", "contacted", "left alone", "measured until"],
        [
            [
                one["campaign_id"],
                one["name"],
                one["status"],
                one["starts_on"],
                one["ends_on"],
                f"{_members(one, contacted=True):,}",
                f"{_members(one, contacted=False):,}",
                one["measured_until"] or "–",
            ]
            for one in found
        ],
        words=("name",),
    )
    speaker.result({"campaigns": found})


@campaigns.command()
@click.argument("campaign_id")
@common_options
def results(campaign_id: str, config: Path, speaker: Speaker) -> None:
    """What came of a campaign, with 90 % intervals."""
    found = _service(config).results(campaign_id)
    speaker.result(found)
    measured = found["measured"]
    if measured is None:
        speaker.say("Nothing is measured yet: the next `regulars score` after its start does it.")
        return
    money = money_format(found["currency"])
    effects = [one for one in measured["effects"] if one["measure"] in {"revenue", "profit"}]
    speaker.table(
        f"Measured until {measured['measured_until']}, 90 % intervals",
        ["arm", "more", "in all", "from", "to", "verdict"],
        [
            [
                one["arm"],
                one["measure"],
                *(money.write(one["total"][end]) for end in ("value", "low", "high")),
                VERDICTS[one["verdict"]],
            ]
            for one in effects
        ],
        words=("verdict",),
    )


def _members(view: CampaignView, *, contacted: bool) -> int:
    return sum(arm["members"] for arm in view["arms"] if arm["contacted"] is contacted)


def _service(config: Path) -> CampaignService:
    settings = load_settings(config, Settings)
    stores = open_stores(settings.database_url(settings.store.url))
    return CampaignService(stores.campaigns, lambda: datetime.now(UTC))
