"""What every customer model promises, and what each promises about its own columns."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from features.errors import DataError
from tests.support.shop import order_lines, simulate_orders
from tests.support.tables import shop_tables
from training.errors import BundleError
from training.models.baselines import InactivityRule, LastPlusUsualGap, RfmAverage
from training.models.boosting import Boosting
from training.models.churn import ChurnModel
from training.models.next_purchase import NextPurchaseModel
from training.past.tables import CutoffTable
from training.value.model import ValueModel

pytestmark = pytest.mark.slow

HORIZON = 60
GROWN = Boosting(rounds=40, min_rows_in_leaf=20, seed=7, threads=1)
MODELS = {
    "churn": lambda: ChurnModel(horizon_days=HORIZON, boosting=GROWN),
    "value": lambda: ValueModel(horizon_days=HORIZON, boosting=GROWN),
    "next_purchase": lambda: NextPurchaseModel(
        horizon_days=HORIZON, lined_up_by="trees", boosting=GROWN
    ),
    "next_purchase_by_gap": lambda: NextPurchaseModel(
        horizon_days=HORIZON, lined_up_by="usual_gap", boosting=GROWN
    ),
}
SEEDED = [name for name in MODELS if name != "next_purchase_by_gap"]
BASELINES = {
    "inactivity": InactivityRule,
    "rfm": RfmAverage,
    "usual_gap": lambda: LastPlusUsualGap(horizon_days=HORIZON),
}
FRESH_PROCESS = """
import sys
from pathlib import Path
import pandas as pd
from tests.contracts.test_customer_models import MODELS
from training.past.tables import CutoffTable

root = Path(sys.argv[1])
tables = [
    CutoffTable(None, *(pd.read_parquet(root / f"{part}{n}.parquet") for part in ("x", "y")))
    for n in range(3)
]
for name, make in MODELS.items():
    make().fit(tables).save(root / name)
"""

every_model = pytest.mark.parametrize("name", MODELS)
CONTENDERS = {**MODELS, **BASELINES}
every_contender = pytest.mark.parametrize("name", CONTENDERS)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return shop_tables(
        simulate_orders(customers=140, days=300),
        tmp_path_factory.mktemp("shop"),
        horizon_days=HORIZON,
        cutoff_days=(200, 220, 240),
    )


@pytest.fixture(scope="module")
def tables(shop):
    return shop[0]


@pytest.fixture(scope="module")
def features(shop):
    return shop[1]


@pytest.fixture(scope="module")
def contenders(tables):
    return {name: make().fit(tables) for name, make in CONTENDERS.items()}


@pytest.fixture(scope="module")
def fitted(contenders):
    return {name: contenders[name] for name in MODELS}


def files_of(model, directory):
    model.save(directory)
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@every_contender
def test_a_refit_equals_a_fresh_fit(name, contenders, tables, features):
    refitted = CONTENDERS[name]().fit(tables[:1])
    assert refitted is refitted.fit(tables)
    pd.testing.assert_frame_equal(
        refitted.predict(features), contenders[name].predict(features), check_exact=True
    )


@every_model
def test_the_same_data_and_seed_give_the_same_bytes(name, fitted, tables, tmp_path):
    again = MODELS[name]().fit(tables)
    assert files_of(again, tmp_path / "a") == files_of(fitted[name], tmp_path / "b")


@every_model
def test_so_do_several_threads(name, tables, tmp_path):
    written = []
    for folder in ("a", "b"):
        model = MODELS[name]()
        model.boosting = replace(GROWN, threads=2)
        written.append(files_of(model.fit(tables), tmp_path / folder))
    assert written[0] == written[1]


@every_model
def test_fits_side_by_side_do_not_change_each_other(name, tables, fitted, tmp_path):
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda _: MODELS[name]().fit(tables), range(3)))
    expected = files_of(fitted[name], tmp_path / "alone")
    for number, model in enumerate(together):
        assert files_of(model, tmp_path / str(number)) == expected


def test_a_fresh_process_gives_the_same_bytes(tables, fitted, tmp_path):
    for number, table in enumerate(tables):
        table.features.to_parquet(tmp_path / f"x{number}.parquet")
        table.labels.to_parquet(tmp_path / f"y{number}.parquet")
    subprocess.run([sys.executable, "-c", FRESH_PROCESS, str(tmp_path)], check=True)
    for name, model in fitted.items():
        found = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        assert found == files_of(model, tmp_path / "here" / name), name


@pytest.mark.parametrize("name", SEEDED)
def test_another_seed_is_another_model(name, tables, fitted, tmp_path):
    model = MODELS[name]()
    model.boosting = replace(GROWN, seed=8)
    assert files_of(model.fit(tables), tmp_path / "a") != files_of(fitted[name], tmp_path / "b")


@every_model
def test_a_loaded_model_predicts_bit_for_bit(name, fitted, features, tmp_path):
    fitted[name].save(tmp_path)
    loaded = type(fitted[name]).load(tmp_path)
    pd.testing.assert_frame_equal(
        loaded.predict(features), fitted[name].predict(features), check_exact=True
    )
    assert files_of(loaded, tmp_path / "again") == files_of(fitted[name], tmp_path / "first")


@every_model
def test_only_text_is_written(name, fitted, tmp_path):
    for file, content in files_of(fitted[name], tmp_path).items():
        assert file.endswith((".json", ".txt"))
        assert content.decode("utf-8")


@every_model
@pytest.mark.parametrize("damage", [b"", b"[]", b"not json", b"\xff\xfe"])
def test_a_damaged_model_file_is_refused(name, damage, fitted, tmp_path):
    fitted[name].save(tmp_path)
    (tmp_path / "model.json").write_bytes(damage)
    with pytest.raises(BundleError, match=r"model\.json"):
        type(fitted[name]).load(tmp_path)


@every_contender
def test_a_batch_equals_one_by_one(name, contenders, features):
    model = contenders[name]
    some = features.iloc[::15]
    each = pd.concat([model.predict(some.iloc[[row]]) for row in range(len(some))])
    pd.testing.assert_frame_equal(each, model.predict(some), check_exact=True)
    if isinstance(model, ChurnModel):
        told = pd.concat([model.contributions(some.iloc[[row]]) for row in range(len(some))])
        pd.testing.assert_frame_equal(told, model.contributions(some), check_exact=True)


@every_contender
def test_predictions_are_finite_and_stand_in_the_order_asked(name, contenders, features):
    model = contenders[name]
    shuffled = features.sample(frac=1, random_state=3)
    said = model.predict(shuffled)
    assert np.isfinite(said.to_numpy()).all()
    assert said.index.equals(shuffled.index)
    pd.testing.assert_frame_equal(
        said.loc[features.index], model.predict(features), check_exact=True
    )


@every_model
def test_nobody_to_predict_gives_an_empty_table(name, fitted, features):
    said = fitted[name].predict(features.iloc[:0])
    assert len(said) == 0
    assert list(said) == list(fitted[name].predict(features))


@every_model
def test_other_columns_are_refused_by_name(name, fitted, features):
    model = fitted[name]
    with pytest.raises(DataError, match=r"missing \['orders'\], foreign none"):
        model.predict(features.drop(columns="orders"))
    with pytest.raises(DataError, match=r"missing none, foreign \['moon'\]"):
        model.predict(features.assign(moon=1.0))
    with pytest.raises(DataError, match="order differs"):
        model.predict(features[features.columns[::-1]])


@every_model
def test_without_a_past_there_is_nothing_to_learn(name, tables):
    with pytest.raises(DataError, match="at least one past cutoff"):
        MODELS[name]().fit([])
    other = replace(tables[1], features=tables[1].features.drop(columns="orders"))
    with pytest.raises(DataError, match=r"missing \['orders'\]"):
        MODELS[name]().fit([tables[0], other])


@every_model
def test_the_order_of_training_rows_hardly_matters(name, tables, fitted, features):
    shuffled = [
        CutoffTable(table.cutoff, table.features.loc[ids], table.labels.loc[ids])
        for table in tables
        for ids in [table.features.sample(frac=1, random_state=5).index]
    ]
    first, second = (
        model.predict(features) for model in (fitted[name], MODELS[name]().fit(shuffled))
    )
    for column in first:
        spread = float(np.ptp(first[column])) or 1.0
        assert (first[column] - second[column]).abs().mean() < 0.02 * spread, column


def test_churn_is_a_probability(fitted, features):
    said = fitted["churn"].predict(features)
    assert list(said) == ["churn_probability", "p_alive"]
    assert ((said >= 0) & (said <= 1)).all(axis=None)
    assert said["churn_probability"].nunique() > 20


def test_a_longer_silence_is_a_higher_risk_on_average(fitted, features):
    said = fitted["churn"].predict(features)["churn_probability"]
    silence = features["days_since_last_order"]
    assert said[silence > silence.median()].mean() > said[silence <= silence.median()].mean() + 0.1


def test_contributions_add_up_to_the_log_odds_less_one_constant(fitted, features):
    model = fitted["churn"]
    churn = model.predict(features)["churn_probability"]
    parts = model.contributions(features)
    assert list(parts) == ["rhythm", *features.columns]
    rest = np.log(churn / (1 - churn)) - parts.sum(axis=1)
    assert np.ptp(rest) < 1e-9


def test_contributions_to_the_value_follow_the_value(fitted, features):
    model = fitted["value"]
    parts = model.contributions(features)
    assert list(parts) == ["rhythm", *features.columns]
    value = model.predict(features)["value_if_order"]
    together = np.corrcoef(parts.sum(axis=1).rank(), value.rank())[0, 1]
    assert together > 0.9
    few = features.iloc[:7]
    np.testing.assert_allclose(model.contributions(few), parts.iloc[:7], atol=1e-9)


def test_money_hangs_together(fitted, features):
    said = fitted["value"].predict(features)
    assert (said["clv_low"] <= said["clv_median"]).all()
    assert (said["clv_median"] <= said["clv_high"]).all()
    assert (said["value_if_order_low"] <= said["value_if_order_high"]).all()
    assert (said["clv_lifetime"] >= said["clv"]).all()
    assert (said >= 0).all(axis=None)
    assert (said["expected_orders"] >= said["p_order"]).all()
    assert (said["p_alive"] >= said["p_order"]).all()
    for product in (
        said["expected_orders"] * said["expected_order_value"],
        said["p_order"] * said["value_if_order"],
    ):
        np.testing.assert_allclose(said["clv"], product, rtol=1e-12)


@pytest.mark.parametrize(("rate", "years"), [(0.0, 5.0), (0.1, 0.01), (1.0, 30.0)])
def test_the_lifetime_is_worth_more_the_longer_and_the_less_it_is_discounted(
    rate, years, fitted, features
):
    model = fitted["value"]
    other = ValueModel(horizon_days=HORIZON, discount_rate_per_year=rate, lifetime_years=years)
    vars(other).update({key: value for key, value in vars(model).items() if key.endswith("_")})
    factor = (other.predict(features)["clv_lifetime"] / other.predict(features)["clv"]).to_numpy()
    assert (factor >= 1).all()
    if years == 0.01:
        assert (factor == 1).all()
    if rate == 0.0:
        usual = model.predict(features)
        assert (factor >= (usual["clv_lifetime"] / usual["clv"]).to_numpy()).all()


def test_next_orders_hang_together(fitted, features):
    churn = fitted["churn"].predict(features)["churn_probability"].to_numpy()
    for said in (
        fitted["next_purchase"].predict(features),
        fitted["next_purchase"].predict(features, churn),
    ):
        days = said[["next_order_low", "next_order_days", "next_order_high"]]
        assert all((days[a] <= days[b]).all() for a, b in pairwise(days))
        assert (days >= 0).all(axis=None)
        assert (days < HORIZON).all(axis=None)
        within = said[["p_order_7d", "p_order_30d", "p_order_90d"]]
        assert all((within[a] <= within[b]).all() for a, b in pairwise(within))
        assert ((within >= 0) & (within <= 1)).all(axis=None)
        assert said["expected_wait_days"].between(0, HORIZON).all()


@pytest.mark.parametrize("risk", [0.000_001, 0.02, 0.5, 0.97, 0.999_999])
def test_the_curve_ends_at_the_churn_probability(risk, fitted, features):
    model = fitted["next_purchase"]
    curves = model.survival(features, np.full(len(features), risk))
    np.testing.assert_allclose(curves[:, HORIZON], risk, rtol=1e-9)
    assert (curves[:, 0] == 1).all()
    assert (np.diff(curves, axis=1) <= 0).all()


def test_trees_must_be_better_than_the_usual_gap(tables, tmp_path):
    regular, _ = shop_tables(
        order_lines([*_daily(60, 17, 240), *END]),
        tmp_path,
        horizon_days=HORIZON,
        cutoff_days=(100, 120, 140),
    )
    model = NextPurchaseModel(horizon_days=HORIZON, boosting=GROWN)
    said = model.fit(regular).predict(regular[-1].features)["next_order_days"]
    assert model.trees_ is None
    misses = said - regular[-1].labels["days_to_next_order"]
    assert misses.abs().max() <= 17 / 4  # days between the groups of comparable customers
    habits = [_with_a_sign(table) for table in tables]
    assert model.fit(habits).trees_ is not None


def _with_a_sign(table):
    """The table where a feature tells the days to the next order, and gaps tell nothing."""
    sign = table.labels["days_to_next_order"].fillna(HORIZON)
    gaps = np.random.default_rng(4).permutation(table.features["mean_gap_days"])
    return replace(table, features=table.features.assign(mean_gap_days=gaps, spend=sign))


@pytest.mark.parametrize("horizon", [7, 30, 75])
def test_any_horizon_can_be_asked_for(horizon, tables, features):
    model = NextPurchaseModel(horizon_days=horizon, boosting=GROWN).fit(tables)
    churn = np.linspace(0.01, 0.99, len(features))
    said = model.predict(features, churn)
    assert (said["next_order_high"] < horizon).all()
    np.testing.assert_allclose(model.survival(features, churn)[:, horizon], churn, rtol=1e-9)


def _daily(customers, gap_days, last_day):
    return [
        (f"c{n:03d}", day, 10.0 + n % 7)
        for n in range(customers)
        for day in range(n % gap_days, last_day, gap_days)
    ]


END = [("late", 239, 1.0)]
ODD_SHOPS = {
    "fifty": None,
    "one-timers": [(f"c{n:03d}", 4 * n, 10.0 + n % 7) for n in range(50)] + END,
    "nobody returns": _daily(50, 11, 60) + END,
    "everybody returns": _daily(50, 5, 240),
    "one customer": [("c", 5, 10.0), ("c", 90, 12.0), ("c", 200, 11.0), *END],
    "one price": [(name, day, 10.0) for name, day, _ in _daily(50, 37, 240)],
    "all sent back": [
        line
        for name, day, _ in _daily(50, 37, 238)
        for line in ((name, day, 10.0), (name, day + 1, -15.0))
    ],
    "whale": [*_daily(50, 37, 240), ("whale", 10, 1e7), ("whale", 150, 2e7)],
}


@pytest.fixture(scope="module", params=ODD_SHOPS)
def odd_shop(request, tmp_path_factory):
    orders = ODD_SHOPS[request.param]
    return shop_tables(
        simulate_orders(customers=50, days=240) if orders is None else order_lines(orders),
        tmp_path_factory.mktemp("odd"),
        horizon_days=HORIZON,
        cutoff_days=(100, 120, 140),
    )


@pytest.fixture(scope="module")
def odd_contenders(odd_shop):
    return {name: make().fit(odd_shop[0]) for name, make in CONTENDERS.items()}


@every_contender
def test_odd_shops_get_finite_answers(name, odd_contenders, odd_shop):
    features = odd_shop[1]
    said = odd_contenders[name].predict(features)
    assert len(said) == len(features) > 0
    assert np.isfinite(said.to_numpy()).all()


def test_odd_shops_keep_the_promises(odd_contenders, odd_shop, tmp_path):
    features = odd_shop[1]
    models = {name: odd_contenders[name] for name in MODELS}
    churn = models["churn"].predict(features)["churn_probability"].to_numpy()
    assert ((churn > 0) & (churn < 1)).all()
    money = models["value"].predict(features)
    assert (money["clv_low"] <= money["clv_median"]).all()
    assert (money["clv_median"] <= money["clv_high"]).all()
    assert (money["clv_lifetime"] >= money["clv"]).all()
    curves = models["next_purchase"].survival(features, churn)
    np.testing.assert_allclose(curves[:, HORIZON], churn, rtol=1e-9)
    for name, model in models.items():
        model.save(tmp_path / name)
        again = type(model).load(tmp_path / name).predict(features)
        pd.testing.assert_frame_equal(again, model.predict(features), check_exact=True)


def test_goods_for_nothing_are_refused_in_words(tmp_path):
    tables, _ = shop_tables(
        order_lines((name, day, 0.0) for name, day, _ in _daily(50, 5, 240)),
        tmp_path,
        horizon_days=HORIZON,
        cutoff_days=(120,),
    )
    with pytest.raises(DataError, match="positive value"):
        MODELS["value"]().fit(tables)
