"""Saved audiences: the rule, not its members, so that each run has its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from features.errors import ConfigError
from serving.errors import AudienceConflict, UnknownAudience
from serving.store.database import one_writer, store_errors
from serving.store.rule.text import rule_of_text, text_of_rule
from serving.store.rule.tree import AudienceRule
from serving.store.tables import audiences

TAKEN = "Another audience has this name."
MOST_AUDIENCES = 1_000


@dataclass(frozen=True, kw_only=True)
class SavedAudience:
    """An audience as it is kept.

    Attributes
    ----------
    created_by, changed_by : whose call it was, as in the audit log
    """

    audience_id: str
    name: str
    rule: AudienceRule
    note: str
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str

    @property
    def where(self) -> str:
        """The rule as text."""
        return text_of_rule(self.rule)


class AudienceStore:
    """Where audiences are kept, beside the score runs. They hold no customer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> list[SavedAudience]:
        """In the order of their names."""
        with store_errors(), self._engine.connect() as connection:
            rows = connection.execute(select(audiences).order_by(audiences.c.name_key))
            return [_audience(row) for row in rows]

    def audience(self, audience_id: str) -> SavedAudience:
        """Raises `UnknownAudience`."""
        if "\0" in audience_id:
            raise UnknownAudience
        with store_errors(), self._engine.connect() as connection:
            by_id = select(audiences).where(audiences.c.audience_id == audience_id)
            row = connection.execute(by_id).one_or_none()
        if row is None:
            raise UnknownAudience
        return _audience(row)

    def called(self, text: str) -> SavedAudience:
        """The audience of this id or name, however its capitals are written.

        Raises
        ------
        ConfigError
            When there is none.
        """
        key = name_key(text)
        if "\0" not in text:
            either = (audiences.c.audience_id == text) | (audiences.c.name_key == key)
            with store_errors(), self._engine.connect() as connection:
                rows = connection.execute(select(audiences).where(either)).all()
            if rows:
                return _audience(next((row for row in rows if row.audience_id == text), rows[0]))
        names = ", ".join(audience.name for audience in self.all()[:20]) or "none is saved"
        raise ConfigError(
            f"audience: there is none of the id or name {text!r:.80} (have: {names})."
        )

    def rule_called(self, text: str) -> AudienceRule:
        """The rule of the audience of this id or name; raises as `called`."""
        return self.called(text).rule

    def add(self, audience: SavedAudience) -> None:
        """Keep a new one; raises `AudienceConflict` where the name is taken."""
        with _naming(), self._engine.begin() as connection:
            one_writer(connection)
            ids = connection.execute(select(audiences.c.audience_id)).scalars().all()
            if len(ids) >= MOST_AUDIENCES:
                raise AudienceConflict(f"{MOST_AUDIENCES:,} audiences are kept. Remove some.")
            connection.execute(insert(audiences).values(_values(audience)))

    def change(self, audience: SavedAudience) -> None:
        """Keep it in the place of the one of its id; raises as `audience` and `add`."""
        same = audiences.c.audience_id == audience.audience_id
        with _naming(), self._engine.begin() as connection:
            one_writer(connection)
            changed = connection.execute(update(audiences).where(same).values(_values(audience)))
            if not changed.rowcount:
                raise UnknownAudience

    def remove(self, audience_id: str) -> None:
        """Raises `UnknownAudience`."""
        self.audience(audience_id)
        with store_errors(), self._engine.begin() as connection:
            one_writer(connection)
            connection.execute(delete(audiences).where(audiences.c.audience_id == audience_id))


@contextmanager
def _naming() -> Iterator[None]:
    """A write that a taken name ends."""
    with store_errors():
        try:
            yield
        except IntegrityError as error:
            raise AudienceConflict(TAKEN) from error


def name_key(name: str) -> str:
    """What two names must not share."""
    return " ".join(name.casefold().split())


def _values(audience: SavedAudience) -> dict[str, str]:
    return {
        "audience_id": audience.audience_id,
        "name": audience.name,
        "name_key": name_key(audience.name),
        "rule": audience.where,
        "note": audience.note,
        "created_at": audience.created_at.isoformat(),
        "created_by": audience.created_by,
        "changed_at": audience.changed_at.isoformat(),
        "changed_by": audience.changed_by,
    }


def _audience(row: Any) -> SavedAudience:
    return SavedAudience(
        audience_id=row.audience_id,
        name=row.name,
        rule=rule_of_text(row.rule),
        note=row.note,
        created_at=datetime.fromisoformat(row.created_at),
        created_by=row.created_by,
        changed_at=datetime.fromisoformat(row.changed_at),
        changed_by=row.changed_by,
    )
