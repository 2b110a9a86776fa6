import json
import random
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.engines.build import build_features
from tests.support.trained import copy_of
from training.bundle.manifest import (
    CURRENT,
    FORMAT,
    MANIFEST,
    current_bundle,
    read_manifest,
    sha256_of,
)
from training.bundle.publication import (
    GOLDEN,
    golden_rows,
    load_models,
    load_models_of,
    prune,
    publish_bundle,
)
from training.errors import BundleError
from training.models.churn import ChurnModel
from training.value.model import ValueModel


@pytest.fixture
def bundle(trained, tmp_path):
    """A copy of the published bundle, to be damaged."""
    return shutil.copytree(trained.result.bundle, tmp_path / trained.result.bundle.name)


@pytest.fixture
def shop(trained, tmp_path):
    return copy_of(trained, tmp_path / "shop")


def rehash(bundle):
    """Make the manifest agree with the files as they are now."""
    manifest = json.loads((bundle / MANIFEST).read_text())
    manifest["files"] = {name: sha256_of(bundle / name) for name in manifest["files"]}
    (bundle / MANIFEST).write_text(json.dumps(manifest))


def test_what_was_published_is_in_force(trained):
    bundle = trained.result.bundle
    assert current_bundle(bundle.parent) == bundle
    manifest = read_manifest(bundle)
    assert manifest.bundle_id == bundle.name
    assert manifest.as_of == trained.log.end.isoformat()
    assert manifest.mlflow_run_id == trained.result.run_id
    assert manifest.data_fingerprint == trained.log.fingerprint
    assert {name: entry.version for name, entry in manifest.models.items()} == (
        trained.result.versions
    )
    on_disk = {str(p.relative_to(bundle)) for p in bundle.rglob("*") if p.is_file()}
    assert set(manifest.files) == on_disk - {MANIFEST}


def test_the_loaded_models_predict(trained):
    models = load_models(trained.settings)
    features = build_features(trained.log, trained.log.end)
    assert tuple(features) == models.manifest.columns
    churn = models.churn.predict(features)["churn_probability"].to_numpy()
    assert np.isfinite(models.value.predict(features)).all(axis=None)
    assert np.isfinite(models.next_purchase.predict(features, churn)).all(axis=None)
    assert models.recommendation is not None


def test_no_file_of_a_bundle_can_run_code(trained):
    files = [path for path in trained.result.bundle.rglob("*") if path.is_file()]
    # numbers without objects, text, JSON
    assert {path.suffix for path in files} <= {".json", ".txt", ".npz", ".parquet"}
    for path in files:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert all(arrays[name].dtype != object for name in arrays)


def test_the_golden_rows_are_of_nobody(trained):
    golden = json.loads((trained.result.bundle / GOLDEN).read_text())
    made_up = pd.DataFrame(golden["features"], dtype=float)
    real = build_features(trained.log, trained.log.end)
    same = made_up.merge(real, how="inner")
    assert len(made_up) >= 8
    assert len(same) == 0


def damages(content):
    middle = len(content) // 2
    yield b""
    yield content[:middle]
    yield content + b" "
    yield content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def test_every_damaged_or_missing_file_is_refused(bundle):
    for name in read_manifest(bundle).files:
        content = (bundle / name).read_bytes()
        for damaged in damages(content):
            (bundle / name).write_bytes(damaged)
            with pytest.raises(BundleError, match="missing or damaged"):
                load_models_of(bundle)
        (bundle / name).unlink()
        with pytest.raises(BundleError, match="missing or damaged"):
            load_models_of(bundle)
        (bundle / name).write_bytes(content)
    assert load_models_of(bundle)


def test_random_mutations_are_refused(bundle):
    draw = random.Random(5)  # noqa: S311 - which byte is hit must not be secret
    names = sorted(read_manifest(bundle).files)
    for _ in range(100):
        name = draw.choice(names)
        content = (bundle / name).read_bytes()
        mutated = bytearray(content)
        for _ in range(draw.randint(1, 4)):
            mutated[draw.randrange(len(mutated))] = draw.randrange(256)
        (bundle / name).write_bytes(mutated)
        if bytes(mutated) != content:
            with pytest.raises(BundleError):
                load_models_of(bundle)
        (bundle / name).write_bytes(content)


def test_a_mutated_manifest_is_refused_or_says_the_same_of_the_files(bundle):
    draw = random.Random(6)  # noqa: S311 - which byte is hit must not be secret
    content = (bundle / MANIFEST).read_bytes()
    files = read_manifest(bundle).files
    refused = 0
    for _ in range(300):
        mutated = bytearray(content)
        mutated[draw.randrange(len(mutated))] = draw.randrange(256)
        (bundle / MANIFEST).write_bytes(mutated)
        try:
            assert set(read_manifest(bundle).files.values()) <= set(files.values())
        except BundleError:
            refused += 1
    assert refused > 200


CHANGES = [
    {"files": []},
    {"files": {"a\0b": "00"}},
    {"models": []},
    {"models": {"churn": "A"}},
    {"models": {"churn": {}}},
    {"as_of": "yesterday"},
    {"as_of": 5},
    {"horizon_days": "45"},
    {"columns": None},
    {"format": FORMAT + 1},
    {"format": None},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_manifest_of_another_shape_is_refused(change, bundle):
    manifest = json.loads((bundle / MANIFEST).read_text())
    (bundle / MANIFEST).write_text(json.dumps({**manifest, **change}))
    with pytest.raises(BundleError, match="regulars train"):
        load_models_of(bundle)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{}", b"\xff\xfe\x00", b'"x"'])
def test_what_is_no_manifest_is_refused(content, bundle):
    (bundle / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError, match="manifest cannot be read"):
        load_models_of(bundle)
    (bundle / MANIFEST).unlink()
    with pytest.raises(BundleError, match="manifest cannot be read"):
        load_models_of(bundle)


UNREAD = ("lifetime_years", "median_gap_days")
"""What no golden row shows here: lifetimes, and places in a shop so small that it has one curve."""


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_changed_with_a_matching_hash_are_refused(bundle):
    draw = random.Random(7)  # noqa: S311 - which number is hit must not be secret
    for name in ("churn", "value", "next_purchase"):
        file = bundle / name / "model.json"
        content = file.read_text()
        for _ in range(8):
            value = json.loads(content)
            key = draw.choice([key for key in value if key not in UNREAD])
            value[key] = draw.choice([None, "x", [], {}, 1e9, -3])
            file.write_text(json.dumps(value))
            rehash(bundle)
            with pytest.raises(BundleError):
                load_models_of(bundle)
        file.write_text(content)
    rehash(bundle)
    assert load_models_of(bundle)


def test_a_model_that_says_something_else_than_when_published_is_refused(bundle):
    file = bundle / "churn" / "model.json"
    value = json.loads(file.read_text())
    file.write_text(json.dumps({**value, "intercept": value["intercept"] + 1e-9}))
    rehash(bundle)
    with pytest.raises(BundleError, match="something else than when they were published"):
        load_models_of(bundle)


def test_without_a_training_there_is_nothing_to_load(shop):
    bundles = shop.settings.path(shop.settings.store.bundles)
    (bundles / CURRENT).unlink()
    with pytest.raises(BundleError, match="Run `regulars train` first"):
        load_models(shop.settings)


@pytest.mark.parametrize("content", [b"", b"gone", b"\xff\xff", b"a\0b", b"../.."])
def test_a_damaged_pointer_is_refused(content, shop):
    (shop.settings.path(shop.settings.store.bundles) / CURRENT).write_bytes(content)
    with pytest.raises(BundleError):
        load_models(shop.settings)


def test_models_of_another_horizon_are_refused(trained):
    predict = trained.settings.predict.model_copy(update={"horizon_days": 30})
    with pytest.raises(BundleError, match=r"predicts 45 days, but predict\.horizon_days is 30"):
        load_models(trained.settings.model_copy(update={"predict": predict}))


class DiskFull(ChurnModel):
    """A model that cannot be written to its end."""

    def save(self, directory):
        super().save(directory)
        raise OSError(28, "No space left on device")


class Forgetful(ValueModel):
    """A model that writes something else than it predicts with."""

    def save(self, directory):
        self.lifetime_years += 5
        super().save(directory)
        self.lifetime_years -= 5


def publish(shop, **changed):
    models = load_models(shop.settings)
    fitted = {name: getattr(models, name) for name in models.manifest.models}
    for name, kind in changed.items():
        fitted[name] = kind.load(shop.result.bundle / name)
    bundles = shop.settings.path(shop.settings.store.bundles)
    manifest = replace(models.manifest, bundle_id="next", files={})
    golden = golden_rows(build_features(shop.log, shop.log.end))
    return publish_bundle(bundles, manifest, fitted, golden)


def bundle_after(shop, name, previous):
    """A further bundle in force that says which one was before it."""
    bundles = shop.settings.path(shop.settings.store.bundles)
    copy = shutil.copytree(shop.result.bundle, bundles / name)
    manifest = json.loads((copy / MANIFEST).read_text())
    changed = {**manifest, "bundle_id": name, "previous": previous}
    (copy / MANIFEST).write_text(json.dumps(changed))
    (bundles / CURRENT).write_text(name)
    return copy


def test_old_bundles_go_and_those_a_rollback_can_reach_stay(shop):
    bundles = shop.settings.path(shop.settings.store.bundles)
    first = shop.result.bundle.name
    for name, previous in (("b", first), ("c", "b"), ("left", "c"), ("d", "c")):
        bundle_after(shop, name, previous)
    (bundles / ".killed.unfinished").mkdir()
    (bundles / "notes").mkdir()
    assert prune(bundles, keep=3) == [".killed.unfinished", first, "left"]
    left = {path.name for path in bundles.iterdir() if path.is_dir()}
    assert left == {"b", "c", "d", "notes"}
    assert load_models(shop.settings).manifest.bundle_id == "d"


def test_publishing_moves_the_pointer(shop):
    assert current_bundle(publish(shop).parent).name == "next"
    assert load_models(shop.settings).manifest.bundle_id == "next"


@pytest.mark.parametrize("changed", [{"churn": DiskFull}, {"value": Forgetful}], ids=str)
def test_a_failure_in_publishing_leaves_the_old_bundle_in_force(changed, shop):
    before = load_models(shop.settings).manifest
    with pytest.raises((OSError, BundleError)):
        publish(shop, **changed)
    assert load_models(shop.settings).manifest == before
    assert not list(shop.settings.path(shop.settings.store.bundles).glob(".*.unfinished"))
    # and does not stand in the way of the next attempt
    assert publish(shop).name == "next"
