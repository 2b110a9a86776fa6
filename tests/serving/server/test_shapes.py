"""What the code takes an answer for, and what OpenAPI promises of it, name the same fields."""

import types
from typing import Union, get_args, get_origin, get_type_hints

import pytest

from serving.campaigns import plan
from serving.campaigns import schemas as campaigns
from serving.campaigns.service import CampaignResults
from serving.changes.feed import AnnouncedFigures
from serving.changes.schemas import Told
from serving.churn_list.schemas import ListItem
from serving.customers import history
from serving.customers import schemas as customers
from serving.store import documents
from serving.web import schemas as web

SAME = (
    (documents.NextOrderDocument, web.NextOrder),
    (documents.LikelyCategory, web.NextCategory),
    (documents.LifetimeTermDocument, web.LifetimeTerm),
    (documents.ProfileDocument, web.Profile),
    (documents.ReasonDocument, web.Reason),
    (documents.FactorsDocument, web.Factors),
    (documents.RankedProduct, web.Recommendation),
    (documents.RunLineage, web.Lineage),
    (documents.ChangeDocument, customers.Change),
    (documents.SinceLastRunDocument, customers.SinceLastRun),
    (history.OutcomeRow, customers.Outcome),
    (history.NextOrderRow, customers.NextOrderSaid),
    (history.HistoryRow, customers.HistoryEntry),
    (AnnouncedFigures, Told),
    (plan.AssumedFigures, campaigns.Assumed),
    (plan.ChosenCounts, campaigns.Counts),
    (plan.CampaignArm, campaigns.Arm),
    (plan.StratumSize, campaigns.Stratum),
    (plan.ExpectedMoney, campaigns.Expected),
    (plan.BreakEvenPoint, campaigns.BreakEven),
    (plan.PowerFigures, campaigns.PowerShown),
    (plan.SampledCell, campaigns.TestCell),
    (CampaignResults, campaigns.Results),
)


def fields_of(shape):
    """Field → whether it may be null; by the name that JSON has."""
    return {
        field.alias or name: type(None) in get_args(field.annotation)
        for name, field in shape.model_fields.items()
    }


def hints_of(document):
    return {
        name: get_origin(hint) in {Union, types.UnionType} and type(None) in get_args(hint)
        for name, hint in get_type_hints(document).items()
    }


@pytest.mark.parametrize(("document", "shape"), SAME, ids=lambda pair: pair.__name__)
def test_a_document_has_the_fields_that_are_promised(document, shape):
    assert hints_of(document) == fields_of(shape)


def test_a_customer_has_the_fields_that_are_promised():
    # whether orders wait to be scored is added as the answer leaves
    promised = {name for name in fields_of(customers.Customer) if name != "score_pending"}
    assert hints_of(documents.CustomerDocument).keys() == promised


def test_a_plan_has_the_fields_that_are_promised():
    # what was asked for, and costs of campaigns made elsewhere, are kept and not answered
    kept = {"request", "costs"}
    assert hints_of(plan.ProposedPlan).keys() - kept == fields_of(campaigns.Plan).keys()
    assert hints_of(plan.CampaignView).keys() - kept == fields_of(campaigns.Campaign).keys()


def test_a_row_of_a_list_has_the_figures_of_the_customer():
    own = {"next_order_date", "next_order_low", "next_order_high"}
    of_customer = fields_of(customers.Customer) | fields_of(web.Profile)
    for name, may_be_null in fields_of(ListItem).items():
        assert name in own or of_customer[name] is may_be_null
