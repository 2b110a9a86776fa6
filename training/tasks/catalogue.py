"""The one catalogue of predictions. To add one: a file in `training/tasks`, a line here."""

from features.errors import ConfigError
from training.settings import TrainingSettings
from training.tasks.cancellation import CancellationTask
from training.tasks.churn import ChurnTask
from training.tasks.next_purchase import NextPurchaseTask
from training.tasks.own_models import OwnChurnTask, OwnValueTask, own_estimator
from training.tasks.recommendation import RecommendationTask
from training.tasks.task import Task
from training.tasks.value import ValueTask

TASKS: tuple[Task, ...] = (ChurnTask(), ValueTask(), NextPurchaseTask(), RecommendationTask())


def tasks_for(settings: TrainingSettings) -> tuple[Task, ...]:
    """`TASKS`, with what `predict.churn`, `train.churn_model` and `train.value_model` ask for.

    Raises
    ------
    ConfigError
        When there is no such model, or contracts would be predicted by one.
    """
    own: list[Task] = []
    if settings.predict.churn == "cancellation":
        own.append(CancellationTask())
    if (name := settings.train.churn_model) is not None:
        if settings.predict.churn == "cancellation":
            raise ConfigError(
                'train.churn_model predicts silence; with predict.churn = "cancellation" leave it out.'
            )
        own.append(OwnChurnTask(own_estimator("churn_model", name), name))
    if (name := settings.train.value_model) is not None:
        own.append(OwnValueTask(own_estimator("value_model", name), name))
    return with_tasks(*own)


def with_tasks(*own: Task) -> tuple[Task, ...]:
    """`TASKS`, with each of `own` in the place of the one of its name."""
    by_name = {task.name: task for task in own}
    return tuple(by_name.get(task.name, task) for task in TASKS)


def registered_name(task_name: str, prefix: str = "regulars") -> str:
    """The name of a task's model in the registry; `prefix` is the setting tracking.models.

    >>> registered_name("next_purchase")
    'regulars-next-purchase'
    """
    return f"{prefix}-{task_name.replace('_', '-')}"
