"""What every feature block promises, taken from the catalogue."""

import re
from collections import Counter
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.blocks.block import Block, Unit
from features.catalogue import BLOCKS, FEATURES
from features.engines.build import GRAINS, build_features
from features.orders.log import read_orders
from features.sources import FrameSource, open_source
from serving.settings import Settings
from tests.support.shop import FIRST_DAY, busy_orders, shop_settings

pytestmark = pytest.mark.slow

AS_OF = FIRST_DAY + pd.Timedelta(days=150)
LINES = busy_orders(customers=25)
CUSTOMERS = [*sorted(LINES["customer"].dropna().unique())[:6], "newcomer", None]

slowly = settings(max_examples=8)


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Settings:
    return shop_settings(
        tmp_path_factory.mktemp("shop"),
        data={
            "rules": {"cancelled_order_prefix": "C", "ignore_products": ["postage"]},
            "accept": {"no_net_money": "what is made up may be returned"},
        },
    )


def features_of(lines: pd.DataFrame, shop: Settings, as_of: pd.Timestamp = AS_OF) -> pd.DataFrame:
    with read_orders(shop, FrameSource(lines)) as log:
        return build_features(log, as_of.date())


@pytest.fixture(scope="module")
def table(shop):
    return features_of(LINES, shop)


def needed_by(block: Block) -> tuple[Block, ...]:
    """The block, and for a derived one those of its catalogue that its expressions name."""
    if block.grain:
        return (block,)
    words = set(re.findall(r"\w+", " ".join(feature.sql for feature in block.features)))
    earlier = BLOCKS[: BLOCKS.index(block)]
    return (*(b for b in earlier if words & {feature.name for feature in b.features}), block)


def test_names_are_unique_and_all_in_the_index():
    names = [feature.name for block in BLOCKS for feature in block.features]
    assert max(Counter(names).values()) == 1
    assert list(FEATURES) == names
    assert max(Counter(block.name for block in BLOCKS).values()) == 1


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_a_block_is_well_described(block):
    assert block.features
    assert block.grain is None or block.grain in GRAINS
    for feature in block.features:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", feature.name)
        assert feature.unit in get_args(Unit)
        assert re.search("[a-z]", feature.meaning.into("en"))
        assert re.search("[\u4e00-\u9fff]", feature.meaning.into("zh"))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_a_block_can_be_computed_alone(block, shop, table):
    with read_orders(shop, FrameSource(LINES)) as log:
        alone = build_features(log, AS_OF.date(), needed_by(block))
    names = [feature.name for feature in block.features]
    pd.testing.assert_frame_equal(alone[names], table[names], check_exact=True)


def test_one_row_per_customer_in_order_of_id_one_double_per_feature(table):
    before = LINES[(LINES["time"] < AS_OF) & (LINES["amount"] >= 0)]
    assert list(table.index) == sorted(before["customer"].dropna().unique())
    assert table.index.name == "customer_id"
    assert list(table.columns) == list(FEATURES)
    assert set(table.dtypes) == {np.dtype("float64")}


def test_every_value_is_finite_or_missing(table):
    assert not np.isinf(table.to_numpy()).any()
    always = ["days_since_last_order", "orders", "spend", "orders_90d", "mean_order_value"]
    assert table[always].notna().all().all()


def test_shares_lie_between_nothing_and_all(table):
    shares = table[[name for name, feature in FEATURES.items() if feature.unit == "share"]]
    assert (shares.isna() | ((shares >= 0) & (shares <= 1))).all().all()


later_lines = st.lists(
    st.fixed_dictionaries(
        {
            "customer": st.sampled_from(CUSTOMERS),
            "order": st.sampled_from([*LINES["order"].unique()[:30], "Cnew", "a first", "zz last"]),
            "time": st.integers(0, 120 * 24 * 60).map(lambda n: AS_OF + pd.Timedelta(minutes=n)),
            "product": st.sampled_from([*LINES["product"].dropna().unique(), None, "postage"]),
            "name": st.sampled_from(["a new name", None]),
            "category": st.sampled_from(["category 0", "a new category", None]),
            "quantity": st.sampled_from([1, 2, -1, 0]),
            "amount": st.sampled_from([12.5, 0.0, -3.0, 1e9, -7.25]),
            "discount": st.sampled_from([0.0, 1.0]),
        }
    ),
    max_size=25,
)


@slowly
@given(later=later_lines, copies=st.lists(st.integers(0, len(LINES) - 1), max_size=10))
def test_rows_on_or_after_the_date_change_nothing(later, copies, shop, table):
    """Purchases, returns, cancellations, lines of old orders, and copies of earlier rows."""
    past = LINES[LINES["time"] < AS_OF]
    again = past.iloc[[number % len(past) for number in copies]]
    more = pd.concat([past, pd.DataFrame(later, columns=past.columns), again], ignore_index=True)
    pd.testing.assert_frame_equal(
        features_of(more.astype(LINES.dtypes.to_dict()), shop), table, check_exact=True
    )


@slowly
@given(seed=st.integers(0, 2**32 - 1))
def test_row_order_never_matters(seed, shop, table):
    shuffled = LINES.sample(frac=1, random_state=seed, ignore_index=True)
    pd.testing.assert_frame_equal(features_of(shuffled, shop), table, check_exact=True)


def ambiguous_lines() -> pd.DataFrame:
    """Rows that only their place could tell apart: a copy renamed, two orders at one time."""
    twin = LINES.iloc[0:40].assign(category="renamed", name="renamed")
    known = LINES[LINES["customer"].notna() & (LINES["amount"] > 0)].iloc[0:20]
    other_order = known.assign(order=lambda rows: rows["order"] + " b", discount=9.0)
    back = known.assign(
        order=lambda rows: "C" + rows["order"],
        quantity=lambda rows: -rows["quantity"],
        amount=lambda rows: -rows["amount"],
    )
    return pd.concat([LINES, twin, other_order, back], ignore_index=True)


@slowly
@given(seed=st.integers(0, 2**32 - 1))
def test_row_order_does_not_decide_between_equal_rows(seed, shop):
    lines = ambiguous_lines()
    shuffled = lines.sample(frac=1, random_state=seed, ignore_index=True)
    pd.testing.assert_frame_equal(
        features_of(shuffled, shop), features_of(lines, shop), check_exact=True
    )


def write_in_pieces(lines: pd.DataFrame, folder: Path, ending: str, *, seed: int) -> None:
    """Three overlapping files and a copy of one, columns in another order in each."""
    rng = np.random.default_rng(seed)
    piece = rng.integers(0, 3, len(lines))
    parts = [lines[(piece == n) | (rng.random(len(lines)) < 0.1)] for n in range(3)]
    for number, part in enumerate([*parts, parts[1]]):
        shuffled = part[list(rng.permutation(lines.columns))]
        if ending == "csv":
            shuffled.to_csv(folder / f"{number}.csv", index=False)
        else:
            shuffled.to_parquet(folder / f"{number}.parquet")


@pytest.mark.parametrize("ending", ["parquet", "csv"])
@pytest.mark.parametrize("lines", [LINES, ambiguous_lines()], ids=["plain", "ambiguous"])
def test_neither_several_files_nor_a_copied_file_change_anything(tmp_path, shop, ending, lines):
    write_in_pieces(lines, tmp_path, ending, seed=len(lines))
    with read_orders(shop, open_source(f"*.{ending}", tmp_path)) as log:
        pieces = build_features(log, AS_OF.date())
    pd.testing.assert_frame_equal(pieces, features_of(lines, shop), check_exact=True)


def test_a_customer_with_returns_only_is_absent(shop):
    bought = LINES[LINES["customer"].notna() & (LINES["amount"] > 0)].iloc[[0]]
    bought = bought.assign(customer="returner", order="bought")
    undone = {"quantity": -bought["quantity"], "amount": -bought["amount"]}
    # the day takes the purchase back, a month later the same is returned once more
    cancelled = bought.assign(order="Cbought", **undone)
    month_later = bought["time"] + pd.Timedelta(days=30)
    returned = bought.assign(order="return", time=month_later, **undone)
    lines = pd.concat([LINES, bought, cancelled, returned], ignore_index=True)

    with read_orders(shop, FrameSource(lines)) as log:
        assert "returner" in set(log.frame("SELECT * FROM customers")["customer_id"])
        assert "returner" not in build_features(log, AS_OF.date()).index
