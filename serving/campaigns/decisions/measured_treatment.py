"""The treatment that a measured decision found to earn most."""

from serving.campaigns.plan import SIMULATED
from serving.campaigns.service import status_of
from serving.campaigns.store import CampaignStore
from serving.store.economics import MeasuredTreatment


def measured_treatment(store: CampaignStore) -> MeasuredTreatment | None:
    """The best treatment by the latest round of a decision, where its profit is surely above that
    of no contact; of several decisions the latest one that says so, None where none does.
    """
    decided: set[str | None] = set()
    for campaign in store.campaigns():
        plan, results = campaign.plan.get("decision"), campaign.results
        reading = results.get("decision") if results else None
        if plan is None or reading is None or campaign.plan["origin"] == SIMULATED:
            continue
        if status_of(campaign) != "ended":
            continue
        if plan["decision_id"] in decided:
            continue
        # an earlier round of the same decision knows less
        decided.add(plan["decision_id"])
        for row in reading["effects"]:
            if row["arm"] == reading["best"] and row["verdict"] == "positive":
                return MeasuredTreatment(
                    treatment=row["arm"],
                    campaign_id=campaign.campaign_id,
                    rounds=len(reading["rounds"]),
                    profit=row["effect"]["value"],
                    low=row["effect"]["low"],
                    high=row["effect"]["high"],
                )
    return None
