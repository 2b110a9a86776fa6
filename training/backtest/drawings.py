"""The plots of a judged task, drawn once for the report and for MLflow."""

import re
from io import StringIO
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from cachetools import cached

from training.backtest.backtest import TaskResult
from training.measures import plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@cached(WeakKeyDictionary(), key=lambda result: result)
def drawings(result: TaskResult) -> dict[str, str]:
    """Every plot of a task by its name, as SVG: all folds pooled, and the tracking per fold."""
    figures = dict(result.task.figures(result.rows)) if len(result.rows) else {}
    tracks = {
        f"fold {number}": judgement.track
        for number, judgement in enumerate(result.judgements, 1)
        if judgement.track is not None
    }
    if tracks:
        figures["tracking"] = plots.tracking(tracks)
    return {name: _svg(figure) for name, figure in figures.items()}


def _svg(figure: "Figure") -> str:
    """A figure in the colours of the page: ink for lines and text, no paper."""
    import matplotlib as mpl

    out = StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "regulars"}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    text = text[text.index("<svg") :].replace("#000000", "currentColor")
    # several figures stand in one page: the names of their groups would not be unique
    return re.sub(r'<g id="[A-Za-z0-9._]+_\d+"', "<g", text)
