"""What the store keeps of a customer has the fields that the API promises."""

from typing import get_args

import pytest

from serving.customers import schemas as of_customers
from serving.live.schemas import Prediction
from serving.live.score_api import OF_A_RUN
from serving.store import documents
from serving.store.run import RHYTHM_RANKS, RHYTHMS, RISKS, STATUSES
from serving.web import schemas

PAIRS = [
    (documents.LikelyCategory, schemas.NextCategory),
    (documents.NextOrderDocument, schemas.NextOrder),
    (documents.ProfileDocument, schemas.Profile),
    (documents.ReasonDocument, schemas.Reason),
    (documents.FactorsDocument, schemas.Factors),
    (documents.RankedProduct, schemas.Recommendation),
    (documents.RunLineage, schemas.Lineage),
    (documents.ChangeDocument, of_customers.Change),
    (documents.SinceLastRunDocument, of_customers.SinceLastRun),
    (documents.CustomerDocument, of_customers.Customer),
]
OF_THE_ANSWER = {"score_pending"}
"""Told beside the document."""


def fields_of(shape):
    return {field.alias or name for name, field in shape.model_fields.items()}


@pytest.mark.parametrize(("document", "shape"), PAIRS, ids=lambda kind: kind.__name__)
def test_a_document_has_the_fields_of_its_shape(document, shape):
    assert set(document.__annotations__) == fields_of(shape) - OF_THE_ANSWER


def test_a_prediction_leaves_out_what_only_a_run_can_say():
    of_orders_alone = fields_of(of_customers.Customer) - OF_A_RUN - {"segments_as_of"}
    assert fields_of(Prediction) == of_orders_alone - OF_THE_ANSWER | {
        "put_aside",
        "features_unknown",
    }


def test_the_words_of_the_api_are_those_of_the_store():
    assert get_args(schemas.Risk) == RISKS
    assert get_args(schemas.Status) == STATUSES
    assert set(get_args(schemas.Rhythm)) == set(RHYTHMS)
    assert sorted(RHYTHM_RANKS, key=RHYTHM_RANKS.get, reverse=True) == list(RHYTHMS)
