"""Models for the sceptic: grades against baselines, promises kept, and drift of the inputs."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from features.language.message import mark
from serving.models.bundle_info import BundleNow
from serving.models.in_short import short_verdicts
from serving.models.reasons import read_reason
from serving.store.documents import ExhibitBody
from serving.store.facets import FacetStore
from serving.store.protocol import ChurnFilter
from serving.store.rule.text import text_of_rule
from serving.store.rule.tree import RuleCondition
from serving.store.run import PublishedRun
from serving.web import charts
from serving.web.frame import Frame
from serving.web.words import BASELINES

EXHIBITS = ("backtests", "promise", "drift")
MOST_DRIFTING = 20
RANK_STEP = 0.0001
"""Ranks are published with four digits: a tenth begins behind the one before."""

MEASURES = {
    "log_loss": mark("Log loss"),
    "auc": mark("AUC"),
    "pr_auc": mark("PR-AUC"),
    "brier": mark("Brier score"),
    "calibration_error": mark("Calibration error"),
    "lift_top_10": mark("Lift of the top 10 %"),
    "gini": mark("Normalised Gini"),
    "mae": mark("Mean absolute error"),
    "rmse": mark("Root mean square error"),
    "spearman": mark("Rank correlation"),
    "decile_error": mark("Calibration by decile"),
    "top_20_share": mark("Value in the predicted top 20 %"),
    "bias": mark("Predicted ÷ actual total"),
    "coverage_80": mark("Coverage of the 80 % interval"),
    "date_mae_days": mark("Error of the date, days"),
    "concordance": mark("Concordance"),
    "ndcg": mark("NDCG@10"),
    "ndcg_at_10": mark("NDCG@10"),
    "recall_at_10": mark("Recall@10"),
    "hit_at_10": mark("Hit rate@10"),
    "buyers_log_loss": mark("Likely buyers: log loss"),
    "buyers_first_50": mark("Likely buyers: share of the first 50 who bought"),
    "buyers_decile_error": mark("Likely buyers: calibration by decile"),
}
"""Measures that the page shows, by what they are called in MLflow."""

SHOWN = {
    "churn": ("log_loss", "auc", "calibration_error", "lift_top_10"),
    "value": ("gini", "mae", "bias", "coverage_80"),
    "next_purchase": ("date_mae_days", "concordance", "coverage_80"),
    "recommendation": (
        *("ndcg_at_10", "recall_at_10", "hit_at_10"),
        *("buyers_log_loss", "buyers_first_50", "buyers_decile_error"),
    ),
}
"""Of each model, the primary measure first."""

SMALLER_IS_BETTER = ("log_loss", "calibration_error", "mae", "date_mae_days")


def model_pages(
    frame: Frame, bundle: BundleNow, mlflow_url: str | None, facets: FacetStore
) -> APIRouter:
    """`/models`, `/models/compare`."""
    router = frame.router()

    def models(request: Request) -> Response:
        run = frame.store.latest_run()
        shown = {name: frame.exhibit(run, name) for name in EXHIBITS}
        tests, promise = (body and body["data"] for body in (shown["backtests"], shown["promise"]))
        words = frame.words(request)
        money = words.money(run.info, run.summary.money)
        return frame.render(
            request,
            "models.html",
            run=run,
            short_verdicts=list(short_verdicts(words, tests, promise, money)),
            exhibits=shown,
            bundle=bundle(),
            mlflow_run=_mlflow_run(mlflow_url, shown["backtests"]),
            charts=charts,
            compared=_compared,
            measures=MEASURES,
            read_reason=read_reason,
            baselines=BASELINES,
            most_drifting=MOST_DRIFTING,
            tenths_today=_tenths_today(facets, run),
        )

    def compare(request: Request, model: str = "", version: str = "", other: str = "") -> Response:
        run = frame.store.latest_run()
        comparisons = (frame.exhibit_data(run, "versions_compared") or {}).get("models", {})
        pairs = [pair for entries in comparisons.values() for pair in entries]
        asked = (model, version, other)
        if not any(asked):
            chosen = pairs[0] if pairs else None
        else:
            named = {(pair["task"], pair["version"], pair["other"]): pair for pair in pairs}
            chosen = named.get(asked)
        return frame.render(
            request,
            "models_compared.html",
            run=run,
            pairs=pairs,
            chosen=chosen,
            measures=MEASURES,
            exhibit=frame.exhibit(run, "versions_compared"),
        )

    router.add_api_route("/models", models)
    router.add_api_route("/models/compare", compare)
    return router


def _tenths_today(facets: FacetStore, run: PublishedRun) -> list[tuple[str, int]]:
    """Today's customers by tenths of the churn probability, the lowest first: the rule of each and
    how many it holds of; nothing where the run keeps no ranks.
    """
    current = facets.current(run.info.run_id)
    tenths = []
    for tenth in range(10):
        ends = (f"{tenth / 10 + RANK_STEP if tenth else 0:.4g}", f"{(tenth + 1) / 10:.4g}")
        rule = RuleCondition("churn_percentile", "between", ends)
        tenths.append((text_of_rule(rule), current.totals(ChurnFilter(rule=rule)).customers))
    return tenths if any(customers for _, customers in tenths) else []


def _mlflow_run(url: str | None, backtests: ExhibitBody | None) -> str | None:
    """Where MLflow shows the training; None where its pages are not configured."""
    data = backtests and backtests["data"]
    return f"{url.rstrip('/')}/#/runs/{data['mlflow_run_id']}" if url and data else None


def _compared(name: str, backtest: Mapping[str, Any]) -> list[dict[str, object]]:
    """A row per measure and contender of a backtest, the model first, with a value per fold.

    `wins` says per fold whether the model is better than the baseline that grades it; empty
    for measures of which more is not simply better, and for other contenders.
    """
    first = ("model", backtest["baseline"])
    baselines = [title for title in backtest["folds"][0]["metrics"] if title not in first]
    rows = []
    for measure in SHOWN.get(name, (backtest["measure"],)):
        values = {
            contender: [
                fold["metrics"].get(contender, {}).get(measure) for fold in backtest["folds"]
            ]
            for contender in (*first, *baselines)
        }
        for contender, by_fold in values.items():
            if any(value is not None for value in by_fold):
                wins = _wins(measure, by_fold, values.get(backtest["baseline"], []))
                rows.append(
                    {
                        "measure": measure,
                        "contender": contender,
                        "values": by_fold,
                        "wins": wins if contender == "model" else [],
                    }
                )
    return rows


def _wins(measure: str, of_model: list[Any], of_baseline: list[Any]) -> list[bool | None]:
    if measure in {"bias", "coverage_80"} or len(of_model) != len(of_baseline):
        return []
    return [
        None
        if value is None or base is None or value == base
        else (value < base) == (measure in SMALLER_IS_BETTER)
        for value, base in zip(of_model, of_baseline, strict=True)
    ]
