"""The HTTP API under `/v1`."""

from serving.api.app import create_app
from serving.api.services import BundleInfo

__all__ = ["BundleInfo", "create_app"]
