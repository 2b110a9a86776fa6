"""Tables about a whole run: aggregates made together with the run, which name no customer."""

from collections.abc import Sequence

from sqlalchemy import Engine, select

from serving.store.database import store_errors
from serving.store.protocol import no_such_run
from serving.store.tables import run_exhibits, runs


class ExhibitStore:
    """Exhibits of runs, as published. Raises `ConfigError` for a run that is not kept."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def names(self, run_id: str) -> Sequence[str]:
        """What was made of the run, in order."""
        return sorted(self._bodies(run_id))

    def exhibit(self, run_id: str, name: str) -> bytes | None:
        """The JSON of one exhibit; None where the run was published without it."""
        return self._bodies(run_id, name).get(name)

    def _bodies(self, run_id: str, name: str | None = None) -> dict[str, bytes]:
        # The outer join tells a run without exhibits from a run that is not there.
        of_run = run_exhibits.c.run_no == runs.c.run_no
        if name is not None:
            of_run &= run_exhibits.c.name == name
        body = run_exhibits.c.name if name is None else run_exhibits.c.body
        query = (
            select(run_exhibits.c.name, body.label("body"))
            .select_from(runs.outerjoin(run_exhibits, of_run))
            .where(runs.c.run_id == run_id)
        )
        with store_errors(), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        if not rows:
            raise no_such_run(run_id)
        return {row.name: row.body.encode() for row in rows if row.name is not None}
