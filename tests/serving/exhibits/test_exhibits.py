"""Each exhibit against a slow, obvious computation in pandas."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from features.catalogue import BLOCKS, OPTIONAL_BLOCKS
from features.orders.log import read_orders
from features.periods import a_year_before
from features.segments.migration import cohort_margin
from features.sources import FrameSource
from serving.exhibits.catalogue import EXHIBITS, exhibits_of
from serving.exhibits.drift import ONLY_GROWING, feature_drifts, group_drifts
from serving.exhibits.lorenz import gini
from serving.overview.page import flows
from serving.scoring.run import score
from tests.serving.exhibits.conftest import NOW, knowing_until
from tests.support.shop import busy_orders, shop_settings
from tests.support.stores import fresh_runs
from training.backtest.evidence import BacktestEvidence, spread


def data(made, name):
    assert made[name]["why_not"] is None, made[name]
    return made[name]["data"]


def test_every_exhibit_is_made_and_says_how_it_is_counted(made):
    assert list(made) == [exhibit.name for exhibit in EXHIBITS]
    for body in made.values():
        assert set(body) == {"title", "method", "data", "why_not"}
        assert body["title"]["en"]
        assert body["title"]["zh"]
        assert body["method"]["en"].endswith(".")
        assert body["method"]["zh"].endswith("。")
        assert (body["data"] is None) != (body["why_not"] is None)


def test_no_exhibit_names_a_customer(made, run):
    text = json.dumps(made)
    assert not [one for one in run.scores["customer_id"] if f'"{one}"' in text]


def test_exhibits_stay_small(made):
    sizes = {name: len(json.dumps(body)) for name, body in made.items()}
    assert max(sizes.values()) < 60_000, sizes


def test_months_add_up_to_all_orders(made, orders):
    monthly = data(made, "monthly")
    expected = orders.groupby("month").agg(
        orders=("order", "nunique"), customers=("customer", "nunique"), revenue=("amount", "sum")
    )
    assert monthly["months"] == list(expected.index)
    assert monthly["orders"] == expected["orders"].tolist()
    assert monthly["customers"] == expected["customers"].tolist()
    assert monthly["revenue"] == pytest.approx(expected["revenue"].tolist(), abs=0.005)
    assert sum(monthly["revenue_anonymous"]) == 0
    # the first order comes after 1 January, the last before the end of August
    assert monthly["whole"] == [False, *[True] * 6, False]


def test_the_lorenz_curve_is_that_of_sorted_customers(made, run):
    for name in ("spend", "clv"):
        curve = data(made, "lorenz")[name]
        values = np.sort(run.scores[name].clip(lower=0).to_numpy())
        n = len(values)
        assert curve["total"] == pytest.approx(values.sum(), abs=0.01)
        assert (curve["customers"][0], curve["customers"][-1]) == (0, 1)
        assert (curve["share"][0], curve["share"][-1]) == (0, 1)
        assert len(curve["share"]) <= 101
        for at, share in zip(curve["customers"], curve["share"], strict=True):
            assert share == pytest.approx(values[: round(at * n)].sum() / values.sum(), abs=1e-5)
        differences = np.abs(values[:, None] - values).mean()
        assert curve["gini"] == pytest.approx(differences / (2 * values.mean()), abs=1e-4)


def test_the_gini_of_known_cases():
    assert gini(np.array([0.0, 0.0])) == 0
    assert gini(np.array([1.0, 3.0])) == pytest.approx(1 / 4)


def test_the_fields_of_the_rfm_map_hold_all_customers(made, run):
    heat = data(made, "rfm_map")
    cells = run.scores["rfm_cell"]
    assert sum(cell["customers"] for cell in heat["cells"]) == len(cells)
    assert sum(cell["value_at_risk"] for cell in heat["cells"]) == pytest.approx(
        run.scores["value_at_risk"].round(2).sum(), abs=0.02
    )
    for cell in heat["cells"]:
        mine = cells.str.startswith(f"{cell['r']}{cell['f']}")
        assert cell["customers"] == mine.sum()
        assert cell["cells"] == {
            str(name): int(size) for name, size in cells[mine].value_counts().sort_index().items()
        }
        spend = run.features.loc[run.scores.loc[mine, "customer_id"], "spend_365d"]
        assert cell["mean_spend"] == pytest.approx(spend.mean(), abs=0.006)


def test_cohorts_keep_whom_they_keep(made, orders, trained):
    found = data(made, "cohort_retention")
    assert found["unit"] == "month"
    assert found["first_cohort_is_mixed"]
    months = sorted(orders["month"].unique())
    first = orders.groupby("customer")["month"].min()
    whole = trained.log.end.strftime("%Y-%m")
    for cohort in found["cohorts"]:
        name = cohort["cohort"][:7]
        members = first.index[first == name]
        assert cohort["customers"] == len(members)
        later = [month for month in months if month > name]
        assert len(cohort["retained"]) == len(later)
        for month, share in zip(later, cohort["retained"], strict=True):
            came = set(orders.loc[orders["month"] == month, "customer"]) & set(members)
            known = month < whole and len(members)
            assert share == (pytest.approx(len(came) / len(members), abs=1e-4) if known else None)
    assert sum(cohort["customers"] for cohort in found["cohorts"]) == first.size


def test_margins_of_groups_add_up_to_the_months(made, orders, run):
    found = data(made, "margin_by_group")
    assert not found["is_margin"]
    by_month = orders.groupby("month")["amount"].sum()
    for name, groups in found["systems"].items():
        sums = np.sum([group["margin"] for group in groups], axis=0)
        assert sums == pytest.approx(by_month[found["months"]].to_numpy(), abs=0.1)
        assert sum(group["customers"] for group in groups) == len(run.scores)
        group = groups[0]
        members = run.scores.loc[run.scores[name] == group["value"], "customer_id"]
        mine = orders[orders["customer"].isin(members)].groupby("month")["amount"].sum()
        expected = mine.reindex(found["months"], fill_value=0)
        assert group["margin"] == pytest.approx(expected.tolist(), abs=0.006)
        slope = np.polyfit(range(len(expected)), expected, 1)[0]
        assert group["change_per_month"] == pytest.approx(slope, abs=0.01)


def test_margins_of_cohorts_are_those_of_their_customers(made, orders, trained):
    found = data(made, "cohort_margin")
    slow = cohort_margin(trained.log, trained.log.end)
    first = orders.groupby("customer")["month"].min()
    whole = [m for m in sorted(orders["month"].unique()) if m < trained.log.end.isoformat()[:7]]
    for cohort in found["cohorts"]:
        members = first[first == cohort["cohort"]].index
        mine = orders[orders["customer"].isin(members)].groupby("month")["amount"].sum()
        months = [month for month in whole if month >= cohort["cohort"]]
        expected = mine.reindex(months, fill_value=0.0)
        assert cohort["customers"] == len(members)
        assert cohort["margin"] == pytest.approx(expected.tolist(), abs=0.006)
        later = (expected / len(members)).tolist()[1:]
        if len(later) > 2:
            assert cohort["mean_per_month"] == pytest.approx(np.mean(later), abs=0.001)
            fitted, covariance = np.polyfit(range(len(later)), later, 1, cov="unscaled")
            rest = later - np.polyval(fitted, range(len(later)))
            error = np.sqrt(covariance[0, 0] * (rest @ rest) / (len(later) - 2))
            reach = scipy.stats.t.ppf(0.9, len(later) - 2) * error
            assert cohort["change_per_month"] == pytest.approx(fitted[0], abs=0.001)
            assert cohort["change_high"] == pytest.approx(fitted[0] + reach, abs=0.001)
    totals = slow.groupby("cohort")["margin"].sum()
    assert [sum(cohort["margin"]) for cohort in found["cohorts"]] == pytest.approx(
        totals.tolist(), abs=0.1
    )


def test_two_periods_are_needed_to_grow(made):
    assert "do not reach back that far" in made["growth_share"]["why_not"]["en"]


def test_the_matrix_counts_all_categories(orders, trained, run, models):
    segments = trained.settings.segments.model_copy(update={"period_days": 90})
    settings = trained.settings.model_copy(update={"segments": segments})
    log = replace(trained.log, settings=settings)
    found = data(exhibits_of(log, run, models), "growth_share")
    days = timedelta(days=found["period_days"])
    end = pd.Timestamp(trained.log.end)
    recent = orders[orders["day"] >= end - days].groupby("category")["amount"].sum()
    past = (orders["day"] >= end - 2 * days) & (orders["day"] < end - days)
    before = orders[past].groupby("category")["amount"].sum()
    assert found["by"] == "category"
    assert found["items"] == len(found["shown"]) == len(recent)
    assert sum(group["items"] for group in found["groups"].values()) == len(recent)
    for one in found["shown"]:
        assert one["sales"] == pytest.approx(recent[one["item"]], abs=0.006)
        assert one["growth"] == pytest.approx(recent[one["item"]] / before[one["item"]] - 1)
        assert one["share_of_largest"] == pytest.approx(recent[one["item"]] / recent.max())
        high = one["sales"] >= recent.mean()
        grown = one["growth"] >= recent.sum() / before.sum() - 1
        expected = {(1, 1): "star", (0, 1): "cash_cow", (1, 0): "question_mark", (0, 0): "dog"}
        assert one["group"] == expected[grown, high]


def test_a_short_log_has_no_last_year(made, orders, trained):
    found = data(made, "same_days_last_year")
    assert found["last_year"] is None
    recent = found["recent"]
    days = timedelta(days=trained.settings.predict.horizon_days)
    start = pd.Timestamp(trained.log.end) - days
    mine = orders[orders["day"] >= start]
    assert recent["from"] == start.date().isoformat()
    assert recent["to"] == (trained.log.end - timedelta(days=1)).isoformat()
    assert recent["revenue"] == pytest.approx(mine["amount"].sum(), abs=0.005)
    known = set(orders.loc[orders["day"] < start, "customer"])
    assert recent["revenue_of_known"] == pytest.approx(
        mine.loc[mine["customer"].isin(known), "amount"].sum(), abs=0.005
    )
    assert recent["customers"] == mine["customer"].nunique()
    assert recent["orders"] == mine["order"].nunique()


def test_a_leap_day_has_a_day_a_year_before():
    assert a_year_before(date(2024, 2, 29)) == date(2023, 2, 28)
    assert a_year_before(date(2025, 3, 1)) == date(2024, 3, 1)


def test_what_is_expected_is_the_sum_over_customers(made, run, models):
    found = data(made, "expected_revenue")
    assert found["expected"] == pytest.approx(run.scores["clv"].sum(), abs=0.01)
    assert found["unmoved"] == pytest.approx(run.scores["unmoved_clv"].sum(), abs=0.01)
    assert found["low"] < found["expected"] < found["high"]
    totals = models.evidence.tasks["value"]["totals"]
    assert found["occasions"] == [
        pytest.approx(one["happened"] / one["said"] - 1, abs=1e-4) for one in totals
    ]
    assert found["carried_over"]["en"] == models.value.level_.sentence()


def test_months_add_up_to_what_is_expected(made, run):
    found = data(made, "expected_revenue")
    months = found["months"]
    assert round(sum(month["expected"] for month in months), 2) == found["expected"]
    first = run.info.as_of
    assert months[0]["from"] == first.isoformat()
    assert [month["from"][8:] for month in months[1:]] == ["01"] * (len(months) - 1)
    last = date.fromisoformat(months[-1]["from"])
    assert last < first + timedelta(days=run.info.horizon_days)
    for month in months:
        # a part is less sure than the whole
        assert month["low"] < month["expected"] < month["high"]
        assert month["low"] / month["expected"] <= found["low"] / found["expected"] + 1e-3


def test_groups_add_up_to_what_is_expected(made, run):
    found, total = data(made, "expected_by_group"), data(made, "expected_revenue")
    assert set(found["systems"]) == set(run.info.segment_columns)
    for system, groups in found["systems"].items():
        everybody = run.scores[system].notna()
        assert sum(group["customers"] for group in groups) == everybody.sum()
        assert sum(group["expected"] for group in groups) == pytest.approx(
            run.scores.loc[everybody, "clv"].sum(), abs=0.01 * len(groups)
        )
        for group in groups:
            assert group["low"] <= group["expected"] <= group["high"]
            assert group["low"] / group["expected"] <= total["low"] / total["expected"] + 1e-2


def test_new_customers_are_foretold_from_those_of_the_horizon_before(orders, trained, models):
    day = trained.log.end - timedelta(days=80)
    past = score(trained.log, knowing_until(models, day), day, NOW)
    made_then = exhibits_of(trained.log, past, models)
    found = data(made_then, "expected_new_customers")
    end = pd.Timestamp(day)
    start = end - timedelta(days=trained.settings.predict.horizon_days)
    first = orders.groupby("customer")["day"].min()
    new = orders["customer"].map(first) >= start
    brought = orders.loc[new & (orders["day"] < end), "amount"].sum()
    assert found["recent"] == pytest.approx(brought, abs=0.01)
    assert brought > 0
    # all money of these days is of known customers or of new ones
    days = data(made_then, "same_days_last_year")["recent"]
    assert found["recent_from"] == days["from"]
    assert found["recent"] == pytest.approx(days["value"] - days["value_of_known"], abs=0.02)
    # the orders know no year before
    assert found["expected"] == found["recent"]
    assert found["low"] <= found["expected"] <= found["high"]


def test_where_nobody_new_came_nothing_is_foretold(made, orders, trained):
    start = pd.Timestamp(trained.log.end) - timedelta(days=trained.settings.predict.horizon_days)
    assert (orders.groupby("customer")["day"].min() < start).all()
    assert "No new customer came" in made["expected_new_customers"]["why_not"]["en"]


def test_before_any_promise_is_due_the_backtest_speaks(made, models):
    found = data(made, "promise")
    assert found["source"] == "backtest"
    assert found["runs"] == found["bands"] == []
    folds = models.evidence.tasks["churn"]["folds"]
    for name in ("churn", "value"):
        deciles = found[name]["deciles"]
        assert [one["decile"] for one in deciles] == list(range(1, 11))
        assert sum(one["customers"] for one in deciles) == sum(f["customers"] for f in folds)
    assert sum(one["customers"] for one in found["churn"]["levels"]) == sum(
        fold["customers"] for fold in folds
    )


def test_stages_are_counted_from_where_they_were_to_where_they_are(trained, run, models):
    store = fresh_runs()
    some = run.scores.iloc[5:]
    some = some.assign(lifecycle=["growth" if n % 3 else "lost" for n in range(len(some))])
    info = replace(run.info, run_id="before", as_of=run.info.as_of - timedelta(days=30))
    store.publish(info, some, run.recommendations[:0])
    later = exhibits_of(trained.log, run, models, store)
    stages = data(later, "since_last_run")["stages"]
    now = run.scores.set_index("customer_id")["lifecycle"]
    before = some.set_index("customer_id")["lifecycle"]
    for one in stages:
        there = before.reindex(now.index)
        fits = there.isna() if one["before"] is None else there == one["before"]
        assert one["customers"] == int((fits & (now == one["now"])).sum())
    assert sum(one["customers"] for one in stages) == len(now)
    assert sum(one["customers"] for one in stages if one["before"] is None) == 5
    for flow in flows(stages):
        assert flow.now == flow.stayed + flow.arrived == (now == flow.group).sum()
        assert flow.left == (before == flow.group).sum() - flow.stayed


def test_the_customers_of_the_training_have_not_drifted(made, run):
    found = data(made, "drift")
    assert found["customers_then"] == found["customers_now"] == len(run.scores)
    assert found["features"]
    assert all(one["index"] == 0 for one in found["features"])
    assert {one["feature"] for one in found["features"]} <= set(run.features)


def test_drift_is_the_stability_index_of_tenths(trained, models):
    early = trained.log.end - timedelta(days=60)
    old = knowing_until(models, early)
    past = score(trained.log, old, early, NOW)
    found = exhibits_of(trained.log, past, old)["drift"]["data"]["features"]
    index = {one["feature"]: one["index"] for one in found}
    name = "days_since_first_order"
    (reference,) = models.evidence.references.values()
    edges = reference["features"][name]["edges"]
    then = np.array(reference["features"][name]["shares"])
    bins = [-np.inf, *edges, np.inf]
    counts = pd.cut(past.features[name], bins, right=True).value_counts(sort=False).to_numpy()
    now = np.maximum(counts / counts.sum(), 0.5 / counts.sum())
    assert index[name] == pytest.approx(((now - then) * np.log(now / then)).sum(), abs=1e-4)
    assert index[name] > 0.1
    assert found == sorted(found, key=lambda one: -one["index"])


def test_models_stand_beside_their_baselines(made, trained):
    found = data(made, "backtests")
    assert found["mlflow_run_id"] == trained.result.run_id
    for result in trained.result.backtest.results:
        entry = found["models"][result.task.name]
        assert entry["version"] == trained.result.versions[result.task.name]
        assert entry["grade"] == result.grade.letter
        folds = entry["backtest"]["folds"]
        assert [set(fold["metrics"]) for fold in folds] == [
            set(judgement.metrics) for judgement in result.judgements
        ]
        last = found["last_training"]["models"][result.task.name]
        assert last["promoted"] is trained.result.verdicts[result.task.name].promoted
        assert last["reason"] == trained.result.verdicts[result.task.name].reason


def test_an_older_bundle_says_what_it_cannot_show(trained, models, run):
    bare = replace(models, evidence=None)
    found = exhibits_of(trained.log, run, bare)
    assert found["drift"]["why_not"]["en"].startswith("The training did not keep")
    assert found["promise"]["data"] is None
    assert found["expected_revenue"]["data"]["occasions"] == []
    assert all(one["backtest"] is None for one in found["backtests"]["data"]["models"].values())


def test_returns_and_anonymous_orders_are_counted(tmp_path, models):
    """A log with everything odd: the months still add up, whoever bought."""
    lines = busy_orders()
    settings = shop_settings(tmp_path, predict={"horizon_days": 45})
    with read_orders(settings, FrameSource(lines)) as log:
        then = knowing_until(models, log.first_day)
        past = score(log, then, None, NOW)
        found = exhibits_of(log, past, then)
        used = log.frame("SELECT sum(amount) AS amount, count(*) AS n FROM lines")
        anonymous = log.frame("SELECT sum(amount) AS amount FROM lines WHERE customer IS NULL")
    monthly = found["monthly"]["data"]
    assert sum(monthly["revenue"]) == pytest.approx(used["amount"][0] / 100, abs=0.01)
    assert sum(monthly["revenue_anonymous"]) == pytest.approx(
        anonymous["amount"][0] / 100, abs=0.01
    )
    heat = found["rfm_map"]["data"]["cells"]
    assert sum(cell["customers"] for cell in heat) == len(past.scores)


def test_the_fields_of_the_three_levels_hold_all_customers(made, run):
    fields = data(made, "value_potential_loyalty")["fields"]
    assert sum(field["customers"] for field in fields) == len(run.scores)
    one = fields[0]
    mine = (
        (run.scores["value_level"] == one["value"])
        & (run.scores["potential_level"] == one["potential"])
        & (run.scores["loyalty_level"] == one["loyalty"])
    )
    assert one["customers"] == mine.sum()
    assert one["clv"] == pytest.approx(run.scores.loc[mine, "clv"].sum(), abs=0.01)


def test_what_only_grows_with_the_calendar_is_no_drift():
    features = {feature.name for block in (*BLOCKS, *OPTIONAL_BLOCKS) for feature in block.features}
    assert features >= ONLY_GROWING
    rng = np.random.default_rng(1)
    then = pd.DataFrame(
        {"first_to_last_days": rng.uniform(0, 200, 500), "mean_hour": rng.uniform(8, 20, 500)}
    )
    reference = {
        "customers": len(then),
        "features": {name: spread(column.to_numpy()) for name, column in then.items()},
    }
    evidence = BacktestEvidence(tasks={}, references={"2024-01-01": reference})
    later = then.assign(first_to_last_days=then["first_to_last_days"] + 90)
    worst = feature_drifts(reference, later)[0]
    assert worst["index"] > 0.5
    assert (worst["feature"], worst["only_grows"]) == ("first_to_last_days", True)
    assert group_drifts(evidence, later) == {"calendar": 0.0}
    night = later.assign(mean_hour=1.0)
    assert group_drifts(evidence, night)["calendar"] > 0.5
