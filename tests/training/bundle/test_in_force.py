"""Models belong to the shop that they learned from."""

import pytest

from tests.support.trained import copy_of
from training.bundle.in_force import manifest_in_force, why_foreign
from training.bundle.manifest import current_bundle, read_manifest
from training.bundle.publication import load_models
from training.errors import BundleError


@pytest.fixture(scope="module")
def manifest(trained):
    return read_manifest(current_bundle(trained.settings.path(trained.settings.store.bundles)))


def other(settings, section, **changes):
    values = getattr(settings, section).model_copy(update=changes)
    return settings.model_copy(update={section: values})


def test_models_of_the_shop_are_its_own(trained, manifest):
    assert why_foreign(manifest, trained.settings) is None
    assert manifest_in_force(trained.settings) == manifest


@pytest.mark.parametrize(
    ("section", "changes", "said"),
    [
        ("data", {"currency": "USD"}, "counts in EUR, but data.currency is USD"),
        ("predict", {"horizon_days": 30}, "predicts 45 days, but predict.horizon_days is 30"),
    ],
)
def test_those_of_another_shop_are_refused_wherever_they_are_asked_for(
    trained, tmp_path, section, changes, said
):
    shop = copy_of(trained, tmp_path / "shop")
    settings = other(shop.settings, section, **changes)
    for ask in (load_models, manifest_in_force):
        with pytest.raises(BundleError, match=said):
            ask(settings)
