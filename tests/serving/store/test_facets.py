"""Facets that an earlier release stored."""

import pytest
from sqlalchemy import update

from serving.runs.store import RunStore
from serving.store.bitmaps import joined
from serving.store.protocol import ChurnFilter
from serving.store.tables import run_facets
from tests.support.scores import run_info, score_tables

FILTERS = [
    ChurnFilter(),
    ChurnFilter(risk=("high", "critical")),
    ChurnFilter(segments=(("abc", "A"),), min_value_at_risk=20.0),
]


@pytest.mark.parametrize("wanted", FILTERS)
def test_facets_of_another_format_are_counted_anew(tmp_path, wanted):
    url = f"sqlite:///{tmp_path / 'regulars.db'}"
    store = RunStore(url)
    store.publish(run_info(), *score_tables(200))
    counted = store.facets.counts("run-1", wanted)
    with store.engine.begin() as connection:
        earlier = joined(
            {"columns status": [b"x"]}, {"customers": 200, "values": {}, "numbers": {}}
        )
        connection.execute(update(run_facets).values(body=earlier))
    store.close()
    opened = RunStore(url)
    assert opened.facets.counts("run-1", wanted) == counted
    assert counted.matching > 0
    opened.close()
