"""The models that are published, as their manifest names them."""

from collections.abc import Mapping
from typing import TypedDict


class BundleInfo(TypedDict):
    """The published models: name → `version` and `grade`."""

    bundle_id: str
    models: Mapping[str, Mapping[str, str]]
