"""The pages of experiments: which were read, and one reading."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from features.language.message import mark
from serving.errors import UnknownExperiment
from serving.experiments.api import ExperimentName
from serving.experiments.store import ExperimentStore
from serving.web.drawing import Frame2D
from serving.web.frame import Frame
from training.experiments.experiment_reading import QiniPoint, UpliftReading

UNKNOWN = mark("There is no such experiment.")


@dataclass(frozen=True, kw_only=True)
class QiniDrawing:
    """The curve, its band and the straight line of chance, as points of SVG.

    Attributes
    ----------
    zero : height of a gain of 0
    lowest, highest : gains at the bottom and the top
    """

    band: str
    curve: str
    chance: str
    zero: float
    lowest: float
    highest: float


def experiment_pages(frame: Frame, store: ExperimentStore) -> APIRouter:
    """`/experiments` and `/experiments/{name}`."""
    router = frame.router()

    def listed(request: Request) -> Response:
        return frame.render(request, "experiments.html", experiments=store.all())

    def shown(request: Request, name: ExperimentName) -> Response:
        try:
            experiment = store.experiment(name)
        except UnknownExperiment:
            problem = frame.words(request).say(UNKNOWN)
            return frame.render(request, "no_experiment.html", status=404, problem=problem)
        reading = experiment["reading"]
        return frame.render(
            request,
            "experiment.html",
            experiment=experiment,
            reading=reading,
            kinds={effect["outcome"]: effect["kind"] for effect in reading["effects"]},
            persuaded=[(uplift, drawn(uplift)) for uplift in reading["uplift"]],
        )

    router.add_api_route("/experiments", listed)
    router.add_api_route("/experiments/{name}", shown)
    return router


def drawn(uplift: UpliftReading) -> QiniDrawing:
    """The Qini curve with its band."""
    field, points = Frame2D(width=200, height=100, left=0, bottom=0, top=0), uplift["curve"]
    lowest = min(0.0, *(point["low"] for point in points))
    highest = max(0.0, *(point["high"] for point in points))
    scale = (highest - lowest) or 1.0

    def place(share: float, gain: float) -> str:
        return f"{field.x(share)},{field.y((gain - lowest) / scale)}"

    def line(values: Sequence[tuple[float, float]]) -> str:
        return " ".join(place(share, gain) for share, gain in values)

    def ends(point: QiniPoint) -> tuple[float, float]:
        return point["share"], point["at_random"]

    upper = [(point["share"], point["high"]) for point in points]
    lower = [(point["share"], point["low"]) for point in reversed(points)]
    return QiniDrawing(
        band=line([*upper, *lower]),
        curve=line([(point["share"], point["value"]) for point in points]),
        chance=line([ends(points[0]), ends(points[-1])]),
        zero=field.y(-lowest / scale),
        lowest=lowest,
        highest=highest,
    )
