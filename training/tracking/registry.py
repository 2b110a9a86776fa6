"""MLflow's registry as it is used by who can do without it.

What is in force stands in the manifest of the bundle. The registry is told of it, and asked for
the versions that are not in force, where it is there: after a restore, or with the base install,
it may not be.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from features.errors import ConfigError
from features.libraries.extras import install_hint, missing_packages
from training.errors import TrackingError
from training.settings import TrainingSettings
from training.tracking.database import database_file

if TYPE_CHECKING:
    from training.tracking.mlflow_runs import RegisteredVersion, Tracker

UNTOLD = "MLflow's registry was not told"


def registered_versions(
    settings: TrainingSettings,
) -> "tuple[list[RegisteredVersion], str | None]":
    """Every registered version, and why they cannot be told; None where they can."""
    if (why := _why_absent(settings)) is not None:
        return [], why
    from training.tracking.mlflow_runs import Tracker

    try:
        return Tracker(settings).versions(), None
    except (ConfigError, TrackingError) as error:
        return [], str(error)


def tell_registry(settings: TrainingSettings, telling: "Callable[[Tracker], None]") -> str | None:
    """Write something into the registry; returns why that was not possible, None where it was."""
    if (why := _why_absent(settings)) is not None:
        return why
    from training.tracking.mlflow_runs import Tracker

    try:
        telling(Tracker(settings))
    except (ConfigError, TrackingError) as error:
        return str(error)
    return None


def _why_absent(settings: TrainingSettings) -> str | None:
    """Why there is no registry to ask; None where there is one, sound or not."""
    if missing_packages("train"):
        return f"MLflow is not installed ({install_hint('train')})."
    file = database_file(settings.database_url(settings.tracking.uri))
    return f"{file} is not there." if file is not None and not file.exists() else None
