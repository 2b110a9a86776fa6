"""The models that are published, as their manifest names them."""

from collections.abc import Mapping
from typing import TypedDict

from training.bundle.manifest import Manifest


class BundleInfo(TypedDict):
    """The published models: name → `version` and `grade`."""

    bundle_id: str
    models: Mapping[str, Mapping[str, str]]


def bundle_info(manifest: Manifest) -> BundleInfo:
    """The published models of a manifest."""
    models = {name: entry.summary() for name, entry in manifest.models.items()}
    return BundleInfo(bundle_id=manifest.bundle_id, models=models)
