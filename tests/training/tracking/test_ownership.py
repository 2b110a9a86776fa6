"""Shops that share one server of MLflow: what one registered, no other takes over."""

import shutil
from dataclasses import replace

import pytest

from features.engines.build import build_features
from features.errors import ConfigError
from tests.support.shop import shop_settings
from tests.support.trained import SECTIONS
from training.backtest.record import BacktestRecord
from training.bundle.in_force import why_foreign
from training.bundle.manifest import current_bundle, read_manifest
from training.bundle.shop_identity import FILE, claimed_identity, shop_identity
from training.errors import BundleError
from training.promotion.promotion import Verdict, champion_in_force
from training.succession import promote
from training.tracking.mlflow_runs import CHAMPION, Tracker
from training.tracking.registry import registered_versions


def bundles_of(settings):
    return settings.path(settings.store.bundles)


@pytest.fixture
def server(trained, tmp_path):
    """The address of a database outside every shop's folder, with the trainings of one shop."""
    file = tmp_path / "server" / "mlflow.db"
    file.parent.mkdir()
    shutil.copyfile(trained.root / "mlruns" / "mlflow.db", file)
    return f"sqlite:///{file}"


def shop_at(server, trained, root, **names):
    """A copy of the trained shop that keeps its trainings at `server`."""
    shutil.copytree(trained.root / "data", root / "data")
    return shop_settings(root, tracking={"uri": server, **names}, **SECTIONS)


def as_another(settings):
    """The same folder as that of another shop, which was never trained."""
    shutil.rmtree(bundles_of(settings))
    return settings


def test_a_shop_has_one_mark_that_comes_back_with_its_models(tmp_path, trained):
    bundles = tmp_path / "bundles"
    assert shop_identity(bundles) is None
    identity = claimed_identity(bundles)
    assert len(identity) == 16
    assert claimed_identity(bundles) == shop_identity(bundles) == identity
    restored = tmp_path / "restored"
    shutil.copytree(bundles_of(trained.settings), restored)
    (restored / FILE).unlink()
    assert claimed_identity(restored) == shop_identity(bundles_of(trained.settings)) != identity


def test_names_of_another_shop_are_refused_and_say_what_to_set(server, trained, tmp_path):
    own = shop_at(server, trained, tmp_path / "a")
    versions = Tracker(own).versions()
    assert {version.shop for version in versions} == {shop_identity(bundles_of(own))}
    other = as_another(shop_at(server, trained, tmp_path / "b"))
    with pytest.raises(ConfigError, match="experiment regulars belongs to another shop"):
        Tracker(other)
    half = as_another(shop_at(server, trained, tmp_path / "c", experiment="regulars-b"))
    with pytest.raises(ConfigError, match=r"regulars-churn belongs .* tracking\.models"):
        Tracker(half)
    assert registered_versions(half) == ([], registered_versions(half)[1])
    assert Tracker(own).versions() == versions


def test_with_names_of_its_own_a_shop_leaves_the_champions_of_another(server, trained, tmp_path):
    own = shop_at(server, trained, tmp_path / "a")
    names = {"experiment": "regulars-b", "models": "regulars-b"}
    other = as_another(shop_at(server, trained, tmp_path / "b", **names))
    tracker = Tracker(other)
    assert tracker.versions() == []
    result, *_ = trained.result.backtest.results
    model = getattr(champion_in_force(own).models, result.task.name)
    record = BacktestRecord.of(result, trained.result.backtest.plan.folds)
    with tracker.training({}, "2026-01-01"):
        verdict = Verdict(promoted=True, reason="better")
        version = tracker.log_model(
            *(result, model, "2026-01-01", record, verdict),
            against="",
            features=build_features(trained.log, trained.log.end),
        )
    tracker.challenge(result.task.name, version)
    assert [entry.name for entry in tracker.versions()] == [f"regulars-b-{result.task.name}"]
    before = Tracker(own)
    assert {before.alias(result.task.name, CHAMPION)} == {trained.result.versions["churn"]}
    assert all(entry.shop == before.shop for entry in before.versions())
    with pytest.raises(ConfigError, match=r"no model has a challenger|no challenger"):
        promote(own, (), None)


def test_a_version_of_another_shop_is_not_promoted(server, trained, tmp_path):
    own = shop_at(server, trained, tmp_path / "a")
    tracker = Tracker(own)
    bundle = current_bundle(bundles_of(own))
    manifest = read_manifest(bundle)
    other_version = replace(manifest.models["churn"], version="7")
    assert other_version.version not in {version.version for version in tracker.versions()}
    tracker.tag("churn", "1", "shop", "f" * 16)
    champion = {**manifest.models, "churn": other_version}
    (bundle / "manifest.json").write_text(
        __import__("json").dumps(replace(manifest, models=champion).to_dict())
    )
    with pytest.raises(BundleError, match="version 1: learned from another shop"):
        promote(own, ("churn",), "1")
    assert current_bundle(bundles_of(own)) == bundle


def test_models_with_the_mark_of_another_shop_are_foreign(trained, tmp_path):
    settings = shop_at("sqlite:///mlruns/mlflow.db", trained, tmp_path / "a")
    manifest = read_manifest(current_bundle(bundles_of(settings)))
    assert why_foreign(manifest, settings) is None
    (bundles_of(settings) / FILE).write_text("0123456789abcdef\n")
    assert "belongs to another shop" in why_foreign(manifest, settings)
    assert champion_in_force(settings) is None
    assert why_foreign(replace(manifest, shop=""), settings) is None
