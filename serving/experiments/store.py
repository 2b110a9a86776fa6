"""Readings of experiments, each under a name; a new one takes the place of the one before."""

import json
from typing import cast

from sqlalchemy import Engine, delete, insert, select

from serving.errors import UnknownExperiment
from serving.experiments.kept_experiment import KeptExperiment
from serving.store.database import one_writer, store_errors
from serving.store.protocol import as_json
from serving.store.tables import experiments


class ExperimentStore:
    """Where readings are kept. They hold aggregates alone, nothing of one member."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, experiment: KeptExperiment) -> None:
        """Keep a reading in place of one of the same name."""
        with store_errors(), self._engine.begin() as connection:
            one_writer(connection)
            name = experiment["name"]
            connection.execute(delete(experiments).where(experiments.c.name == name))
            row = {"name": name, "read_at": experiment["read_at"], "body": as_json(experiment)}
            connection.execute(insert(experiments).values(row))

    def all(self) -> list[KeptExperiment]:
        """The latest first."""
        latest = select(experiments.c.body).order_by(experiments.c.experiment_no.desc())
        with store_errors(), self._engine.connect() as connection:
            return [_experiment(body) for body in connection.execute(latest).scalars()]

    def experiment(self, name: str) -> KeptExperiment:
        """Raises `UnknownExperiment`."""
        named = select(experiments.c.body).where(experiments.c.name == name)
        with store_errors(), self._engine.connect() as connection:
            body = None if "\0" in name else connection.execute(named).scalar()
        if body is None:
            raise UnknownExperiment
        return _experiment(body)

    def forget(self, name: str) -> None:
        """Raises `UnknownExperiment`."""
        with store_errors(), self._engine.begin() as connection:
            one_writer(connection)
            named = experiments.c.name == name
            if not connection.execute(delete(experiments).where(named)).rowcount:
                raise UnknownExperiment


def _experiment(body: str) -> KeptExperiment:
    return cast("KeptExperiment", json.loads(body))
