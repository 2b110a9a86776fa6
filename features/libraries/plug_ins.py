"""What installed packages bring along, by entry points.

    [project.entry-points."regulars.features"]
    loyalty = "my_package.features:BLOCK"

    [project.entry-points."regulars.models"]
    forest = "my_package.models:forest"

A package is code that runs with our rights: who installs it trusts it.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from features.errors import ConfigError

FEATURES = "regulars.features"
MODELS = "regulars.models"


@cache
def plugged(group: str) -> dict[str, EntryPoint]:
    """Name → entry point of a group, in order of name.

    Raises
    ------
    ConfigError
        When two packages use one name.
    """
    points: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
        earlier = points.setdefault(point.name, point)
        if earlier.value != point.value:
            raise ConfigError(
                f"{group}: two installed packages bring {point.name!r} ({earlier.value} and "
                f"{point.value}). Remove one of them."
            )
    return points


def loaded(point: EntryPoint) -> Any:
    """What an entry point names.

    Raises
    ------
    ConfigError
        When it cannot be imported.
    """
    try:
        return point.load()
    except Exception as error:
        raise ConfigError(
            f"{point.group}: {point.name} ({point.value}) cannot be loaded: "
            f"{type(error).__name__}: {error}"
        ) from error
