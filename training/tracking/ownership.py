"""Whose an experiment and a registered model are, where shops share a server of MLflow."""

from collections.abc import Mapping

from features.errors import ConfigError
from training.settings import TrainingSettings
from training.tracking.database import database_file

SHOP = "shop"
"""The tag that bears the mark of the shop."""


def is_own_database(settings: TrainingSettings) -> bool:
    """Whether MLflow's database is a file in the folder of the settings, which one shop uses.

    Settings beside one another never share such a file (see `features.settings.loading`). What it
    holds is this shop's, also from before its folder of data was begun anew.
    """
    file = database_file(settings.database_url(settings.tracking.uri))
    return file is not None and file.is_relative_to(settings.root.resolve())


def require_own(what: str, tags: Mapping[str, str], shop: str) -> None:
    """Refuse what bears the mark of another shop; what bears none belongs to who asks first.

    Raises
    ------
    ConfigError
        Saying which settings give the shop names of its own.
    """
    if tags.get(SHOP, shop) != shop:
        raise ConfigError(
            f"tracking.uri: {what} belongs to another shop there. Give this one names of its own "
            'in regulars.toml: tracking.experiment and tracking.models, for example "regulars-b".'
        )
