"""A campaign as the table of an experiment: what was known of its members, and what they did."""

from datetime import date

import pandas as pd

from features.engines.build import build_features
from features.errors import ConfigError
from features.orders.log import OrderLog
from serving.campaigns.measuring import members_with_outcomes
from serving.campaigns.request import HOLD_OUT_ARM
from serving.campaigns.store import CampaignRecord, CampaignStore
from serving.settings import Settings
from training.experiments.read_table import ExperimentColumns
from training.experiments.reading import GROUPED_BY, KNOWN_BEFORE


def campaign_table(
    store: CampaignStore, log: OrderLog[Settings], campaign: CampaignRecord, as_of: date
) -> tuple[pd.DataFrame, ExperimentColumns]:
    """The members of a campaign, one row each, and what the columns are.

    Effects are adjusted by what the campaign's own results are adjusted by, so that both say the
    same; who can be persuaded is learned from all features of the first day. Arms that were not
    contacted are one arm, `HOLD_OUT_ARM`.

    Raises
    ------
    ConfigError
        When the campaign has not begun before `as_of`.
    """
    if campaign.starts_on >= as_of:
        raise ConfigError(f"{campaign.campaign_id}: has not begun on {as_of}.")
    members = members_with_outcomes(store, log, campaign, min(as_of, campaign.ends_on))
    outcomes = pd.DataFrame(
        {
            "ordered": (members["orders"] > 0).astype(float),
            "orders": members["orders"].astype(float),
            "revenue": members["revenue"].astype(float),
        }
    )
    if members["visits"].notna().all():
        outcomes["visited"] = (members["visits"] > 0).astype(float)
    covariates_table = members[["customer_id", *KNOWN_BEFORE, *GROUPED_BY]]
    if campaign.starts_on > log.first_day:
        features = build_features(log, campaign.starts_on)
        covariates_table = covariates_table.join(
            features.drop(columns=[*KNOWN_BEFORE], errors="ignore"), on="customer_id"
        )
    arm = members["arm"].where(members["contacted"], HOLD_OUT_ARM)
    table = pd.concat(
        [covariates_table, outcomes.add_prefix("outcome "), arm.rename("arm")], axis=1
    )
    columns = ExperimentColumns(
        arm="arm",
        control=HOLD_OUT_ARM,
        outcomes=[f"outcome {name}" for name in outcomes],
        covariates=[str(name) for name in covariates_table if name != "customer_id"],
        adjusted_by=KNOWN_BEFORE,
        grouped_by=GROUPED_BY,
    )
    return table, columns
