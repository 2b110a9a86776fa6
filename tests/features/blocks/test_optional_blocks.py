"""Features of the optional tables: equal to a slow recomputation, and blind to what came later."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import BLOCKS, FEATURES, OPTIONAL_BLOCKS, OPTIONAL_FEATURES, blocks_for
from features.engines.build import build_features
from features.errors import ConfigError
from features.orders.log import read_orders
from features.sources import FrameSource
from tests.oracles.optional_features_in_pandas import optional_features_in_pandas
from tests.support.optional_tables import ENDS, TABLES, busy_tables, settings_with, write_tables
from tests.support.shop import FIRST_DAY, busy_orders, shop_settings

pytestmark = pytest.mark.slow

LINES = busy_orders(days=430)
AS_OF = FIRST_DAY + pd.Timedelta(days=200)
ATTRIBUTES = ["attribute_age", "is_region_north", "is_region_south"]
ARRIVAL = {name: {"ingested_at": "arrived"} for name in ("interactions", "contacts")}
WITH_ENDS = {"customers": ENDS}

few = settings(max_examples=3)


@pytest.fixture(scope="module")
def tables():
    return busy_tables(LINES)


def features_of(root, tables, as_of=AS_OF, lines=LINES, **more):
    write_tables(tables, root)
    changes = WITH_ENDS | more
    with read_orders(settings_with(root, *TABLES, **changes), FrameSource(lines)) as log:
        return build_features(log, as_of.date())


@pytest.fixture(scope="module", params=[{}, ARRIVAL], ids=["at once", "late"])
def log(request, tables, tmp_path_factory):
    root = tmp_path_factory.mktemp("shop")
    write_tables(tables, root)
    changes = WITH_ENDS | request.param
    with read_orders(settings_with(root, *TABLES, **changes), FrameSource(LINES)) as log:
        yield log


def known_by(as_of, tables, log):
    """What had come in before `as_of`."""
    timed = {"interactions": log.settings.data.interactions, "contacts": log.settings.data.contacts}
    late = {name for name, table in timed.items() if table.ingested_at}
    return {
        name: table[table["arrived"] < as_of] if name in late else table
        for name, table in tables.items()
    }


@pytest.mark.parametrize("days", [2, 30, 200, 428])
def test_every_feature_at_every_date(tables, log, days):
    as_of = FIRST_DAY + pd.Timedelta(days=days)
    ours = build_features(log, as_of.date())
    known = known_by(as_of, tables, log)
    expected = optional_features_in_pandas(LINES, known, as_of, ours[list(FEATURES)])
    assert sorted(expected.columns) == sorted([*OPTIONAL_FEATURES, *ATTRIBUTES])
    for name in expected.columns:
        np.testing.assert_allclose(ours[name], expected[name], rtol=1e-12, err_msg=name)


def test_the_tables_hold_what_the_features_must_cope_with(tables, log):
    found = build_features(log, log.end)
    assert found[[*OPTIONAL_FEATURES, *ATTRIBUTES]].notna().any().all()
    assert (found[[*OPTIONAL_FEATURES]].max() > found[[*OPTIONAL_FEATURES]].min()).all()
    events = tables["interactions"]
    assert events.duplicated(["who", "when", "what"], keep=False).any()
    assert events.loc[events["what"] == "referral", "brought"].duplicated().any()
    assert tables["contacts"]["cost"].isna().any()


@few
@given(seed=st.integers(0, 2**32 - 1))
def test_rows_on_or_after_the_date_change_nothing(seed, tables, tmp_path):
    """Later events, later orders of strangers, and a copy of earlier rows in a later file."""
    rng = np.random.default_rng(seed)
    past = {name: t[t["when"] < AS_OF] if "when" in t else t for name, t in tables.items()}
    plain = features_of(tmp_path, past, lines=LINES[LINES["time"] < AS_OF])

    later = {
        name: pd.concat(
            [t, t.assign(when=AS_OF + pd.to_timedelta(rng.integers(0, 200, len(t)), unit="D"))]
        ).sample(frac=1, random_state=seed)
        if "when" in t
        else t
        for name, t in past.items()
    }
    stranger = LINES[LINES["customer"].notna()].assign(customer="a stranger", time=AS_OF)
    lines = pd.concat([LINES, stranger.iloc[:3]], ignore_index=True)
    pd.testing.assert_frame_equal(
        features_of(tmp_path, later, lines=lines), plain, check_exact=True
    )


def test_a_row_that_came_in_later_changes_nothing(tables, tmp_path):
    again = {
        name: pd.concat([t, t.assign(arrived=AS_OF)]) if "arrived" in t else t
        for name, t in tables.items()
    }
    known = {name: t[t["arrived"] < AS_OF] if "arrived" in t else t for name, t in tables.items()}
    pd.testing.assert_frame_equal(
        features_of(tmp_path, again, **ARRIVAL),
        features_of(tmp_path, known, **ARRIVAL),
        check_exact=True,
    )


@few
@given(seed=st.integers(0, 2**32 - 1))
def test_row_order_never_matters(seed, tables, tmp_path):
    shuffled = {name: t.sample(frac=1, random_state=seed) for name, t in tables.items()}
    pd.testing.assert_frame_equal(
        features_of(tmp_path, shuffled), features_of(tmp_path, tables), check_exact=True
    )


@pytest.mark.parametrize(
    ("sections", "names"),
    [
        ((), []),
        (("interactions",), ["interactions", "items", "referrals"]),
        (("contacts",), ["contacts"]),
        (("customers",), ["attributes"]),
        (tuple(TABLES), ["interactions", "items", "referrals", "contacts", "attributes"]),
    ],
)
def test_the_configured_tables_say_which_blocks_there_are(tmp_path, sections, names):
    blocks = blocks_for(settings_with(tmp_path, *sections).data)
    assert blocks[: len(BLOCKS)] == BLOCKS
    assert [block.name for block in blocks[len(BLOCKS) :]] == names


def test_where_interactions_name_no_items_there_are_no_features_of_them(tmp_path):
    nothing = {"product_id": None, "category": None}
    blocks = blocks_for(settings_with(tmp_path, "interactions", interactions=nothing).data)
    assert [block.name for block in blocks[len(BLOCKS) :]] == ["interactions", "referrals"]


def test_cancellations_are_a_block_of_their_own(tmp_path):
    def named(**columns):
        blocks = blocks_for(settings_with(tmp_path, "customers", customers=columns).data)
        return [block.name for block in blocks[len(BLOCKS) :]]

    alone = {"cancelled_on": "left"}
    assert named(**alone) == ["membership", "payments", "attributes"]
    begun = {**alone, "started_on": "began"}
    assert named(**begun) == ["membership", "contract", "payments", "attributes"]
    assert named(**ENDS) == ["membership", "contract", "contract_term", "payments", "attributes"]


def test_a_contract_is_described_from_its_end_backwards(tmp_path):
    with pytest.raises(ConfigError, match="started_on needs cancelled_on"):
        settings_with(tmp_path, "customers", customers={"started_on": "began"})
    with pytest.raises(ConfigError, match="term_months needs started_on"):
        settings_with(tmp_path, "customers", customers=ENDS | {"started_on": None})


def test_without_a_column_for_whom_they_brought_nobody_has_referrals(tmp_path):
    alone = settings_with(tmp_path, "interactions", interactions={"other_customer_id": None})
    assert [block.name for block in blocks_for(alone.data)][-2:] == ["interactions", "items"]


def test_without_tables_the_columns_are_those_of_the_catalogue_and_equal(tables, tmp_path):
    with_tables = features_of(tmp_path, tables)
    with read_orders(shop_settings(tmp_path), FrameSource(LINES)) as log:
        without = build_features(log, AS_OF.date())
        assert log.report.tables == ()
    assert list(without.columns) == list(FEATURES)
    assert list(with_tables.columns) == [*FEATURES, *OPTIONAL_FEATURES, *ATTRIBUTES]
    pd.testing.assert_frame_equal(with_tables[list(FEATURES)], without, check_exact=True)


def test_names_are_unique_over_all_blocks():
    names = [f.name for block in (*BLOCKS, *OPTIONAL_BLOCKS) for f in block.features]
    assert len(names) == len(set(names))
    assert all(block.needs for block in OPTIONAL_BLOCKS)
    assert not any(block.needs for block in BLOCKS)
