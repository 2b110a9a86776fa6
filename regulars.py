"""Regulars for notebooks and scripts: the names to start with, each from where it lives.

    settings = load_settings("regulars.toml", Settings)
    with read_orders(settings) as log:
        table = build_features(log, log.end)

Nothing in the project imports this module.
"""

from importlib.metadata import version

from features.engines.build import build_features
from features.errors import RegularsError
from features.orders.kept_log import open_kept_log, read_kept_orders
from features.orders.log import OrderLog, check_orders, read_orders
from features.settings.loading import load_settings, settings_from
from features.sources import FrameSource
from serving.runs.job import score_shop
from serving.scoring.run import ScoreRun
from serving.settings import Settings
from training.bundle.publication import Models, load_models
from training.job import TrainResult, train

__version__ = version("regulars")

__all__ = [
    "FrameSource",
    "Models",
    "OrderLog",
    "RegularsError",
    "ScoreRun",
    "Settings",
    "TrainResult",
    "__version__",
    "build_features",
    "check_orders",
    "load_models",
    "load_settings",
    "open_kept_log",
    "read_kept_orders",
    "read_orders",
    "score_shop",
    "settings_from",
    "train",
]
