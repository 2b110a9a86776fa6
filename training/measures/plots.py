"""Plots for MLflow: drawn without a display, one function each."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from training.models.estimator import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Contenders = Mapping[str, Floats]

PROMISED = 0.80
"""The share of customers that every interval promises to hold."""


def calibration(happened: Floats, contenders: Contenders, bins: int = 10) -> "Figure":
    """Predicted against actual rates in bins of equal size; on the diagonal is right."""
    figure, axes = _blank("predicted probability", "actual rate")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for name, probability in contenders.items():
        parts = np.array_split(np.argsort(probability, kind="stable"), bins)
        points = [(probability[p].mean(), happened[p].mean()) for p in parts if len(p)]
        axes.plot(*zip(*points, strict=True), marker="o", label=name)
    axes.legend(frameon=False)
    return figure


def cumulative_gain(actual: Floats, contenders: Contenders, ylabel: str) -> "Figure":
    """Share of the total that the predicted best n % hold; higher is better."""
    figure, axes = _blank("share of customers, highest prediction first", ylabel)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    share = np.arange(1, len(actual) + 1) / max(len(actual), 1)
    for name, predicted in contenders.items():
        lined_up = actual[np.argsort(-predicted, kind="stable")]
        axes.plot(share, np.cumsum(lined_up) / max(float(actual.sum()), 1e-9), label=name)
    axes.legend(frameon=False)
    return figure


def deciles(actual: Floats, contenders: Contenders) -> "Figure":
    """Mean predicted against mean actual value by predicted decile; on the diagonal is right."""
    figure, axes = _blank("mean predicted spend of the decile", "mean actual spend")
    highest = 1.0
    for name, predicted in contenders.items():
        parts = np.array_split(np.argsort(predicted, kind="stable"), 10)
        points = [(predicted[p].mean(), actual[p].mean()) for p in parts if len(p)]
        axes.plot(*zip(*points, strict=True), marker="o", label=name)
        highest = max(highest, *(value for point in points for value in point))
    axes.plot([0, highest], [0, highest], color="0.7", linewidth=1)
    axes.legend(frameon=False)
    return figure


def error_distribution(errors: Contenders, xlabel: str) -> "Figure":
    """Histograms of errors on common bins; narrow around 0 is good.

    Errors that are not finite are left out: a broken model is still drawn; it is refused elsewhere.
    """
    figure, axes = _blank(xlabel, "share of customers")
    errors = {name: error[np.isfinite(error)] for name, error in errors.items()}
    pooled = np.concatenate([np.zeros(1), *errors.values()])
    edges = np.linspace(pooled.min(), pooled.max() + 1e-9, 41)
    for name, error in errors.items():
        weights = np.full(len(error), 1 / max(len(error), 1))
        axes.hist(error, bins=edges.tolist(), weights=weights, histtype="step", label=name)
    axes.legend(frameon=False)
    return figure


def coverage(actual: Floats, predicted: Floats, low: Floats, high: Floats, xlabel: str) -> "Figure":
    """Share of customers inside their interval, by tenths of the prediction; 80 % is right."""
    figure, axes = _blank(xlabel, "share inside the 80 % interval")
    inside = (actual >= low - 0.005) & (actual <= high + 0.005)
    parts = np.array_split(np.argsort(predicted, kind="stable"), 10)
    shares = [(tenth, inside[part].mean()) for tenth, part in enumerate(parts, 1) if len(part)]
    axes.axhline(PROMISED, color="0.7", linewidth=1)
    axes.bar([tenth for tenth, _ in shares], [share for _, share in shares], 0.7, label="model")
    axes.set_ylim(0, 1)
    axes.set_xticks(range(1, 11))
    axes.legend(frameon=False)
    return figure


def tracking(tracks: Mapping[str, pd.DataFrame]) -> "Figure":
    """Customers who have ordered by each day, predicted (dashed) and actual, per origin.

    Parameters
    ----------
    tracks : origin → `predicted` and `actual`, index days after it
    """
    figure, axes = _blank("days after the origin", "customers who have ordered")
    for position, (name, track) in enumerate(tracks.items()):
        color = f"C{position % 10}"
        axes.plot(track.index, track["actual"], color=color, label=f"{name}, actual")
        axes.plot(track.index, track["predicted"], color=color, linestyle="--")
    axes.plot([], [], color="0.5", linestyle="--", label="predicted")
    axes.legend(frameon=False)
    return figure


def bars(values: Mapping[str, Mapping[str, float]], ylabel: str) -> "Figure":
    """Contenders side by side, a group of bars per measure."""
    figure, axes = _blank("", ylabel)
    measures = list(next(iter(values.values())))
    width = 0.8 / len(values)
    for position, (name, heights) in enumerate(values.items()):
        positions = np.arange(len(measures)) + position * width
        axes.bar(positions, [heights[measure] for measure in measures], width, label=name)
    axes.set_xticks(np.arange(len(measures)) + 0.4 - width / 2, measures)
    axes.legend(frameon=False)
    return figure


def _blank(xlabel: str, ylabel: str) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.5))
    # fixed margins: a layout that measures every text takes longer than the plot itself
    figure.subplots_adjust(left=0.14, right=0.97, top=0.97, bottom=0.12)
    axes = figure.add_subplot()
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
