"""A backtest as figures, and as one self-contained page of HTML."""

import math
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from training.backtest.backtest import Backtest, TaskResult
from training.backtest.drawings import drawings
from training.backtest.grade import RULE

SHOWN = {
    "churn": ("auc", "log_loss", "brier", "calibration_error", "lift_top_10"),
    "value": ("gini", "mae", "rmse", "spearman", "bias", "top_20_share", "coverage_80"),
    "next_purchase": ("date_mae_days", "concordance", "coverage_80", "category_hit"),
    "recommendation": (
        "ndcg_at_10",
        "recall_at_10",
        "hit_at_10",
        "repeat_recall_at_10",
        "new_recall_at_10",
        "catalogue_coverage_at_10",
        "buyers_log_loss",
        "buyers_first_50",
    ),
}
"""Task → the measures that people see; a task that is not listed shows all of its own."""

CAPTIONS = {
    "calibration": "Predicted against actual rates in ten groups of equal size: on the diagonal is right.",
    "lift": "How many of those who left are found among the riskiest customers: higher is better.",
    "deciles": "Mean predicted against mean actual spend of each tenth: on the diagonal is right.",
    "gain": "How much of the spend the customers predicted best brought: higher is better.",
    "coverage": "How many customers fell inside their interval, by tenths: at the line is right.",
    "date_errors": "Days between predicted and actual date of who ordered: narrow around 0 is right.",
    "tracking": "Customers who had ordered again by each day, as predicted (dashed) and as it came.",
    "ndcg": "How well the lists matched the next basket: higher is better.",
}

_TEMPLATE = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("report.html")


def shown(result: TaskResult) -> tuple[str, ...]:
    """The measures of a task that people see."""
    measured = result.measures("model")
    listed = SHOWN.get(result.task.name, tuple(measured))
    return tuple(name for name in listed if name in measured) or listed


def cells(result: TaskResult, contender: str) -> list[str]:
    """A contender's shown measures as text, mean over the folds."""
    means = (result.mean(contender, name) for name in shown(result))
    return ["–" if math.isnan(mean) else f"{mean:,.3f}" for mean in means]


def backtest_page(backtest: Backtest) -> str:
    """The page.

    Returns
    -------
    HTML with its style and plots inside, no script and no address; light or dark as the
    reader's system is.
    """
    plan = backtest.plan
    dates = ", ".join(fold.test.isoformat() for fold in plan.folds)
    title = f"Backtest of the next {plan.horizon_days} days"
    subtitle = (
        f"As of {plan.as_of}: every model beside a rule that a marketer knows, judged on what "
        f"happened after {dates}."
    )
    return _TEMPLATE.render(
        title=title,
        subtitle=subtitle,
        rule=RULE,
        sections=map(_section, backtest.results),
    )


def _section(result: TaskResult) -> dict[str, Any]:
    """What the page shows of a task."""
    grade = result.grade
    return {
        "title": result.task.title,
        "letter": grade.letter,
        "sentence": grade.sentence().partition(": ")[2],
        "measures": [name.replace("_", " ") for name in shown(result)],
        "rows": {contender: cells(result, contender) for contender in result.folds[0]},
        "figures": [
            (CAPTIONS.get(name, name), Markup(svg))  # noqa: S704 - drawn by us
            for name, svg in drawings(result).items()
        ],
    }
