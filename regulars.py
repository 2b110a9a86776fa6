"""Regulars for notebooks and scripts: all that one needs, each from where it lives.

    import regulars

    log = regulars.read_orders("orders.csv")
    table = regulars.features(log)
    result = regulars.train(log)
    scores = regulars.score(log)

    shop = regulars.Shop("myshop")
    shop.ledger()

`docs/data-scientists.md` has the whole way. Nothing in the project imports this module.
"""

from importlib.metadata import version

from features.engines.build import build_features
from features.errors import RegularsError
from features.orders.kept_log import open_kept_log, read_kept_orders
from features.orders.log import OrderLog, check_orders
from features.settings.loading import load_settings, settings_from
from features.sources import FrameSource
from serving.notebook.opening import OpenedLog, read_orders
from serving.notebook.shop import Shop
from serving.notebook.work import backtest, features, labels, recommend, score, train
from serving.runs.job import score_shop
from serving.scoring.run import ScoreRun
from serving.settings import Settings
from training.backtest.backtest import Backtest
from training.bundle.publication import Models, load_models
from training.job import TrainResult
from training.measures.metrics import (
    average_precision,
    calibration_error,
    churn_metrics,
    concordance,
    decile_error,
    next_order_metrics,
    normalised_gini,
    roc_auc,
    spearman,
    value_metrics,
)

__version__ = version("regulars")

__all__ = [
    "Backtest",
    "FrameSource",
    "Models",
    "OpenedLog",
    "OrderLog",
    "RegularsError",
    "ScoreRun",
    "Settings",
    "Shop",
    "TrainResult",
    "__version__",
    "average_precision",
    "backtest",
    "build_features",
    "calibration_error",
    "check_orders",
    "churn_metrics",
    "concordance",
    "decile_error",
    "features",
    "labels",
    "load_models",
    "load_settings",
    "next_order_metrics",
    "normalised_gini",
    "open_kept_log",
    "read_kept_orders",
    "read_orders",
    "recommend",
    "roc_auc",
    "score",
    "score_shop",
    "settings_from",
    "spearman",
    "train",
    "value_metrics",
]
