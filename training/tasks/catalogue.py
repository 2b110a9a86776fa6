"""The one catalogue of predictions. To add one: a file in `training/tasks`, a line here."""

from features.errors import ConfigError
from training.settings import TrainingSettings
from training.tasks.cancellation import CancellationTask
from training.tasks.churn import ChurnTask
from training.tasks.next_purchase import NextPurchaseTask
from training.tasks.own_churn import OwnChurnTask, own_estimator
from training.tasks.recommendation import RecommendationTask
from training.tasks.task import Task
from training.tasks.value import ValueTask

TASKS: tuple[Task, ...] = (ChurnTask(), ValueTask(), NextPurchaseTask(), RecommendationTask())


def tasks_for(settings: TrainingSettings) -> tuple[Task, ...]:
    """`TASKS`, with the churn that `predict.churn` and `train.churn_model` ask for.

    Raises
    ------
    ConfigError
        When there is no such model, or contracts would be predicted by one.
    """
    churn: Task = TASKS[0]
    if settings.predict.churn == "cancellation":
        churn = CancellationTask()
    if (name := settings.train.churn_model) is not None:
        if settings.predict.churn == "cancellation":
            raise ConfigError(
                'train.churn_model predicts silence; with predict.churn = "cancellation" leave it out.'
            )
        churn = OwnChurnTask(own_estimator(name), name)
    return with_task(churn)


def with_task(own: Task) -> tuple[Task, ...]:
    """`TASKS`, with `own` in the place of the one of its name."""
    return tuple(own if task.name == own.name else task for task in TASKS)


def registered_name(task_name: str, prefix: str = "regulars") -> str:
    """The name of a task's model in the registry; `prefix` is the setting tracking.models.

    >>> registered_name("next_purchase")
    'regulars-next-purchase'
    """
    return f"{prefix}-{task_name.replace('_', '-')}"
