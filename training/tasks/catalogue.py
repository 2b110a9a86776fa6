"""The one catalogue of predictions. To add one: a file in `training/tasks`, a line here."""

from training.settings import TrainingSettings
from training.tasks.cancellation import CancellationTask
from training.tasks.churn import ChurnTask
from training.tasks.next_purchase import NextPurchaseTask
from training.tasks.recommendation import RecommendationTask
from training.tasks.task import Task
from training.tasks.value import ValueTask

TASKS: tuple[Task, ...] = (ChurnTask(), ValueTask(), NextPurchaseTask(), RecommendationTask())


def tasks_for(settings: TrainingSettings) -> tuple[Task, ...]:
    """`TASKS`, with the churn that `predict.churn` asks for."""
    if settings.predict.churn == "silence":
        return TASKS
    own = CancellationTask()
    return tuple(own if task.name == own.name else task for task in TASKS)


def registered_name(task_name: str, prefix: str = "regulars") -> str:
    """The name of a task's model in the registry; `prefix` is the setting tracking.models.

    >>> registered_name("next_purchase")
    'regulars-next-purchase'
    """
    return f"{prefix}-{task_name.replace('_', '-')}"
