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

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from features.engines.build import build_features
from features.errors import RegularsError
from features.libraries.extras import require_extra
from features.orders.kept_log import open_kept_log, read_kept_orders
from features.orders.log import OrderLog, check_orders
from features.settings.loading import load_settings, settings_from
from features.sources import FrameSource
from serving.notebook.opening import OpenedLog, read_orders
from serving.notebook.shop import Shop
from serving.notebook.work import (
    backtest,
    features,
    labels,
    own_models,
    recommend,
    score,
    train,
)
from serving.runs.job import score_shop
from serving.scoring.run import ScoreRun
from serving.settings import Settings
from training.backtest.backtest import Backtest
from training.bundle.publication import Models, load_models
from training.job import TrainResult
from training.measures.notebook_metrics import (
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

if TYPE_CHECKING:
    from training.estimators.amount_regressors import NextOrderRegressor, ValueRegressor
    from training.estimators.churn_classifier import ChurnClassifier
    from training.estimators.contract_model import ShiftedBetaGeometricModel
    from training.estimators.covariate_history import covariate_history
    from training.estimators.customer_summary import (
        PurchaseColumns,
        calibration_and_holdout,
        customer_summary,
    )
    from training.estimators.order_value_model import GammaGammaModel
    from training.estimators.purchase_models import (
        BetaGeometricModel,
        ModifiedBetaGeometricModel,
        ParetoNBDModel,
        RegularBetaGeometricModel,
    )
    from training.estimators.purchase_plots import (
        frequency_recency_matrix,
        heterogeneity,
        holdout_calibration,
        p_alive_history,
        plot_frequency_recency,
        plot_heterogeneity,
        plot_holdout_calibration,
        plot_p_alive_history,
        plot_tracking,
        tracking,
    )
    from training.estimators.varying_model import VaryingParetoNBDModel

__version__ = version("regulars")

_ESTIMATORS = {
    "amount_regressors": ("NextOrderRegressor", "ValueRegressor"),
    "churn_classifier": ("ChurnClassifier",),
    "contract_model": ("ShiftedBetaGeometricModel",),
    "covariate_history": ("covariate_history",),
    "customer_summary": ("PurchaseColumns", "calibration_and_holdout", "customer_summary"),
    "order_value_model": ("GammaGammaModel",),
    "purchase_models": (
        *("BetaGeometricModel", "ModifiedBetaGeometricModel"),
        *("ParetoNBDModel", "RegularBetaGeometricModel"),
    ),
    "purchase_plots": (
        *("frequency_recency_matrix", "heterogeneity", "holdout_calibration", "p_alive_history"),
        *("plot_frequency_recency", "plot_heterogeneity", "plot_holdout_calibration"),
        *("plot_p_alive_history", "plot_tracking", "tracking"),
    ),
    "varying_model": ("VaryingParetoNBDModel",),
}
"""Module of `training.estimators` → what is taken from it, on first use: it needs scikit-learn."""


def __getattr__(name: str) -> Any:
    for module, names in _ESTIMATORS.items():
        if name in names:
            require_extra("train", name)
            value = getattr(import_module(f"training.estimators.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'regulars' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


__all__ = [
    "Backtest",
    "BetaGeometricModel",
    "ChurnClassifier",
    "FrameSource",
    "GammaGammaModel",
    "Models",
    "ModifiedBetaGeometricModel",
    "NextOrderRegressor",
    "OpenedLog",
    "OrderLog",
    "ParetoNBDModel",
    "PurchaseColumns",
    "RegularBetaGeometricModel",
    "RegularsError",
    "ScoreRun",
    "Settings",
    "ShiftedBetaGeometricModel",
    "Shop",
    "TrainResult",
    "ValueRegressor",
    "VaryingParetoNBDModel",
    "__version__",
    "average_precision",
    "backtest",
    "build_features",
    "calibration_and_holdout",
    "calibration_error",
    "check_orders",
    "churn_metrics",
    "concordance",
    "covariate_history",
    "customer_summary",
    "decile_error",
    "features",
    "frequency_recency_matrix",
    "heterogeneity",
    "holdout_calibration",
    "labels",
    "load_models",
    "load_settings",
    "next_order_metrics",
    "normalised_gini",
    "open_kept_log",
    "own_models",
    "p_alive_history",
    "plot_frequency_recency",
    "plot_heterogeneity",
    "plot_holdout_calibration",
    "plot_p_alive_history",
    "plot_tracking",
    "read_kept_orders",
    "read_orders",
    "recommend",
    "roc_auc",
    "score",
    "score_shop",
    "settings_from",
    "spearman",
    "tracking",
    "train",
    "value_metrics",
]
