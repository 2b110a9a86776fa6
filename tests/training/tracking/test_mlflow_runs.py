"""What a training leaves in MLflow."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.engines.build import build_features
from features.engines.exports import write_features
from features.errors import DataError
from features.orders.log import day_date
from training.backtest.record import BacktestRecord
from training.bundle.manifest import read_manifest
from training.bundle.publication import load_models
from training.tasks.catalogue import TASKS, registered_name

NAMES = [task.name for task in TASKS]
PLOTS = {
    "churn": {"calibration.svg", "lift.svg"},
    "value": {"deciles.svg", "gain.svg", "coverage.svg"},
    "next_purchase": {"date_errors.svg", "coverage.svg", "tracking.svg"},
    "recommendation": {"ndcg.svg"},
}
PRIMARY = {
    "churn": ("log_loss", "baseline_inactivity_rule/log_loss"),
    "value": ("gini", "baseline_RFM_average/gini"),
    "next_purchase": ("date_mae_days", "baseline_last_order_plus_usual_gap/date_mae_days"),
    "recommendation": ("ndcg_at_10", "baseline_own_frequency/ndcg_at_10"),
}

every_task = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def tracker(trained):
    from training.tracking.mlflow_runs import Tracker

    return Tracker(trained.settings)


@pytest.fixture(scope="module")
def parent(trained, tracker):
    return tracker.client.get_run(trained.result.run_id)


@pytest.fixture(scope="module")
def children(tracker, parent):
    found = tracker.client.search_runs(
        [parent.info.experiment_id],
        filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'",
    )
    return {run.info.run_name: run for run in found}


def artifacts_of(tracker, run_id, folder=""):
    for entry in tracker.client.list_artifacts(run_id, folder):
        if entry.is_dir:
            yield from artifacts_of(tracker, run_id, entry.path)
        else:
            yield entry.path


def test_the_run_of_a_training_says_from_what_it_learned(trained, parent):
    plan = trained.result.backtest.plan
    parameters = parent.data.params
    assert parent.info.status == "FINISHED"
    assert parameters["data_fingerprint"] == trained.log.fingerprint
    assert parameters["as_of"] == plan.as_of.isoformat()
    assert parameters["horizon_days"] == "45"
    assert parameters["cutoffs"] == ", ".join(day.isoformat() for day in plan.cutoffs)
    assert parameters["folds"] == ", ".join(fold.test.isoformat() for fold in plan.folds)
    assert parameters["seed"] == str(trained.settings.train.seed)
    assert parameters["customers"] == str(trained.orders["customer"].nunique())
    assert parameters["orders"] == str(trained.orders["order"].nunique())
    assert "boosting_learning_rate" in parameters
    assert parent.data.tags["git_commit"]
    assert "A if" in parent.data.tags["grade_rule"]


def test_the_backtest_is_kept_as_a_table(trained, tracker, parent, tmp_path):
    file = tracker.client.download_artifacts(parent.info.run_id, "backtest.csv", str(tmp_path))
    with open(file, encoding="utf-8") as text:  # noqa: PTH123 - a path of mlflow's
        rows = list(csv.DictReader(io.StringIO(text.read())))
    assert len(rows) == len(trained.result.backtest.table())
    assert {row["task"] for row in rows} == set(NAMES)


def test_the_report_is_kept_as_a_page(trained, tracker, parent, tmp_path):
    file = tracker.client.download_artifacts(parent.info.run_id, "backtest.html", str(tmp_path))
    with open(file, encoding="utf-8") as text:  # noqa: PTH123 - a path of mlflow's
        page = text.read()
    assert all(result.grade.sentence()[3:] in page for result in trained.result.backtest.results)


@every_task
def test_a_newcomer_reads_which_run_is_champion_and_why(name, trained, tracker, children):
    entry = read_manifest(trained.result.bundle).models[name]
    assert entry.reason == trained.result.verdicts[name].reason
    assert children[name].data.tags["champion"] == f"yes: {entry.reason}"
    model = tracker.client.get_registered_model(registered_name(name))
    why = f"Champion: version {entry.version}. Why: {entry.reason}."
    assert model.description.startswith(why)
    assert ("Only `regulars score` composes" in model.description) == (name != "recommendation")
    version = tracker.client.get_model_version(registered_name(name), entry.version)
    assert version.tags["verdict"] == f"promoted: {entry.reason}"
    assert entry.reason in children[name].data.tags["mlflow.note.content"]


@every_task
def test_what_was_said_is_kept_without_ids(name, trained, tracker, children, tmp_path):
    folder = tracker.client.download_artifacts(children[name].info.run_id, "judged", str(tmp_path))
    kept = BacktestRecord.load(Path(folder))
    (result,) = [one for one in trained.result.backtest.results if one.task.name == name]
    fresh = BacktestRecord.of(result, trained.result.backtest.plan.folds)
    assert (kept.tests, kept.proofs) == (fresh.tests, fresh.proofs)
    for rows, expected in zip(kept.rows, fresh.rows, strict=True):
        pd.testing.assert_frame_equal(
            rows.reset_index(drop=True), expected.reset_index(drop=True), check_exact=True
        )
    ids = [str(one).encode() for one in fresh.customers]
    content = b"".join(path.read_bytes() for path in Path(folder).iterdir())
    assert not [one for one in ids if one in content]


def test_each_model_has_a_run_below_it(children):
    assert set(children) == set(NAMES)
    assert {run.info.status for run in children.values()} == {"FINISHED"}


@every_task
def test_metrics_stand_per_fold_beside_the_baseline(name, trained, tracker, children):
    (result,) = [one for one in trained.result.backtest.results if one.task.name == name]
    for key, contender in zip(PRIMARY[name], ("model", result.task.baseline), strict=True):
        history = tracker.client.get_metric_history(children[name].info.run_id, key)
        measure = key.split("/")[-1]
        assert [metric.step for metric in history] == [0, 1]
        assert [metric.value for metric in history] == [
            fold[contender][measure] for fold in result.folds
        ]
    found = children[name].data
    assert found.metrics["improvement"] == result.grade.improvement
    assert found.metrics["improvement_low"] == result.grade.low
    assert found.tags["grade"] == result.grade.sentence()


@every_task
def test_plots_and_importance_are_kept(name, tracker, children, tmp_path):
    run_id = children[name].info.run_id
    found = set(artifacts_of(tracker, run_id))
    assert {path.removeprefix("plots/") for path in found if path.startswith("plots/")} == (
        PLOTS[name]
    )
    for plot in PLOTS[name]:
        file = tracker.client.download_artifacts(run_id, f"plots/{plot}", str(tmp_path))
        with open(file, encoding="utf-8") as image:  # noqa: PTH123 - a path of mlflow's
            assert image.read(4) == "<svg"
    if name != "recommendation":
        file = tracker.client.download_artifacts(run_id, "importance.json", str(tmp_path))
        with open(file, encoding="utf-8") as text:  # noqa: PTH123 - a path of mlflow's
            gains = json.load(text)
        # where customers are few, no tree may grow at all
        assert gains
        assert min(gains.values()) >= 0


def test_nothing_is_pickled(trained):
    files = [path for path in (trained.root / "mlruns").rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in {".pkl", ".pickle", ".cloudpickle"}]
    for path in files:
        head = path.read_bytes()[:2]
        # what pickle writes since Python 3 begins with its protocol
        assert head not in {bytes([0x80, protocol]) for protocol in range(6)}, path


@every_task
def test_the_champion_is_what_was_published(name, trained, tracker):
    version = tracker.client.get_model_version_by_alias(registered_name(name), "champion")
    assert str(version.version) == trained.result.versions[name]
    (result,) = [one for one in trained.result.backtest.results if one.task.name == name]
    assert version.tags["grade"] == result.grade.letter
    assert version.tags["as_of"] == trained.log.end.isoformat()


def test_the_list_of_versions(trained, tracker):
    versions = tracker.versions()
    assert [one.name for one in versions] == sorted(registered_name(name) for name in NAMES)
    assert {one.aliases for one in versions} == {("champion",)}
    assert {one.version for one in versions} == {"1"}
    assert {one.as_of for one in versions} == {trained.log.end.isoformat()}


@pytest.fixture(scope="module")
def feature_file(trained, tmp_path_factory):
    """What `regulars features` writes, columns in another order, with one more."""
    path = tmp_path_factory.mktemp("features") / "features.parquet"
    write_features(trained.log, [trained.log.end], path)
    table = pd.read_parquet(path)
    return table[table.columns[::-1]].assign(colour="red")


@pytest.mark.parametrize("name", ["churn", "value", "next_purchase"])
def test_anyone_with_mlflow_loads_the_champion(name, trained, tracker, feature_file):  # noqa: ARG001 - sets the address
    import mlflow

    loaded = mlflow.pyfunc.load_model(f"models:/{registered_name(name)}@champion")
    features = build_features(trained.log, trained.log.end)
    ours = getattr(load_models(trained.settings), name).predict(features)
    pd.testing.assert_frame_equal(loaded.predict(features), ours, check_exact=True)
    of_file = loaded.predict(feature_file)
    assert of_file["customer_id"].tolist() == features.index.tolist()
    assert set(of_file["as_of"]) == {trained.log.end}
    assert of_file[ours.columns].to_numpy().tolist() == ours.to_numpy().tolist()
    with pytest.raises(mlflow.exceptions.MlflowException, match="missing inputs"):
        loaded.predict(feature_file.drop(columns="orders"))
    with pytest.raises(DataError, match="have a negative repeat_purchase_days, first in row 1"):
        loaded.predict(features.assign(repeat_purchase_days=-1.0))
    with pytest.raises(DataError, match="a missing or infinite value"):
        loaded.predict(features * np.nan)


@every_task
def test_a_model_says_what_it_takes_and_shows_made_up_rows(name, trained, tracker, tmp_path):  # noqa: ARG001
    import mlflow

    loaded = mlflow.pyfunc.load_model(f"models:/{registered_name(name)}@champion")
    taken = loaded.metadata.signature.inputs.input_names()
    known = set(trained.orders["customer"])
    example = loaded.input_example
    address = f"models:/{registered_name(name)}@champion/serving_input_example.json"
    assert mlflow.artifacts.download_artifacts(address, dst_path=str(tmp_path))
    assert not known & set(example["customer_id"])
    assert set(example) <= set(taken)
    assert len(loaded.predict(example))
    if name == "recommendation":
        assert day_date(int(example["day"].max()) + 1) == trained.log.end
    else:
        features = build_features(trained.log, trained.log.end)
        assert set(features) <= set(taken)
        # no row of the example is a customer
        real = {tuple(row) for row in features.fillna(-1.0).to_numpy().tolist()}
        shown = example[features.columns].fillna(-1.0).to_numpy().tolist()
        assert not real & {tuple(row) for row in shown}


def test_every_run_names_its_orders_and_its_parameters(trained, parent, children):
    for run in (parent, *children.values()):
        (used,) = run.inputs.dataset_inputs
        assert used.dataset.digest == trained.log.fingerprint
        assert json.loads(used.dataset.source)["tags"]["orders"] == "orders.parquet"
        assert run.data.params["data_fingerprint"] == trained.log.fingerprint
        assert run.data.tags["regulars_version"]
    assert {run.data.params["task"] for run in children.values()} == set(NAMES)


def test_tables_show_folds_and_tenths(trained, tracker, children):  # noqa: ARG001 - sets the address
    import mlflow

    (churn,) = [one for one in trained.result.backtest.results if one.task.name == "churn"]
    run_ids = [children["churn"].info.run_id]
    folds = mlflow.load_table("folds.json", run_ids=run_ids)
    found = folds.set_index(["fold", "contender", "measure"])["value"]
    assert found[1, "model", "log_loss"] == pytest.approx(churn.folds[1]["model"]["log_loss"])
    tenths = mlflow.load_table("evaluation.json", run_ids=run_ids)
    assert tenths["customers"].sum() == len(churn.rows)
    assert (tenths["came"] * tenths["customers"]).sum() == pytest.approx(
        churn.rows["churned"].sum()
    )
    assert tenths["said"].is_monotonic_increasing


def test_anyone_with_mlflow_recommends(trained, tracker):  # noqa: ARG001 - sets the address
    import mlflow

    loaded = mlflow.pyfunc.load_model("models:/regulars-recommendation@champion")
    purchases = trained.log.purchases(before=trained.log.end)
    everybody = list(purchases["customer_id"].unique())
    ours = load_models(trained.settings).recommendation
    expected = ours.recommend(purchases, customers=everybody, as_of=trained.log.end, limit=10)
    pd.testing.assert_frame_equal(loaded.predict(purchases), expected, check_exact=True)
    texts = purchases.astype({"customer_id": "str", "product_id": "str", "category": "str"})
    three = loaded.predict(texts, params={"limit": 3})
    assert three["rank"].max() == 3
    asked = {"customers": everybody[:2], "as_of": trained.log.end, "limit": 3}
    pd.testing.assert_frame_equal(
        loaded.get_raw_model().recommend(purchases, **asked), ours.recommend(purchases, **asked)
    )


def test_the_same_tracking_database_can_be_opened_again(trained):
    from training.tracking.mlflow_runs import Tracker

    assert len(Tracker(trained.settings).versions()) == len(NAMES)
    assert np.isfinite(trained.result.backtest.table()["mean"].dropna()).all()
