"""What every store of keys and every audit log must do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from features.errors import ConfigError
from serving.audit.store import AuditEntry
from serving.people.api_keys.store import ApiKey

NOW = datetime(2026, 3, 4, 12, 30, 5, 123456, tzinfo=UTC)
KEY = ApiKey(
    key_id="0a1b2c3d4e5f",
    digest="d" * 64,
    scope="write",
    name="CRM, '北京' \"East\"",
    created_at=NOW,
    expires_at=NOW + timedelta(days=30),
)


def test_keys_read_back_as_they_were_made_the_oldest_first(stores):
    older = replace(KEY, key_id="ff", created_at=NOW - timedelta(days=1), expires_at=None)
    assert list(stores.keys.all()) == []
    stores.keys.add(KEY)
    stores.keys.add(older)
    assert list(stores.keys.all()) == [older, KEY]


def test_a_revoked_key_stays_with_its_first_date(stores):
    stores.keys.add(KEY)
    assert stores.keys.revoke(KEY.key_id, NOW) == replace(KEY, revoked_at=NOW)
    stores.keys.revoke(KEY.key_id, NOW + timedelta(hours=1))
    assert list(stores.keys.all()) == [replace(KEY, revoked_at=NOW)]


def test_a_key_that_is_not_there_cannot_be_revoked(stores):
    with pytest.raises(ConfigError, match="no key of this id"):
        stores.keys.revoke("nobody", NOW)


def test_a_key_holds_until_it_expires_or_is_revoked():
    assert KEY.holds(NOW)
    assert not KEY.holds(NOW + timedelta(days=30))
    assert replace(KEY, expires_at=None).holds(NOW + timedelta(days=30_000))
    assert not replace(KEY, revoked_at=NOW).holds(NOW)


def test_the_log_tells_the_latest_first(stores):
    written = [
        AuditEntry(at=NOW, who="k", action="export", count=n, detail=f"number {n}")
        for n in range(5)
    ]
    for entry in written:
        stores.audit.record(entry)
    assert list(stores.audit.entries(3)) == [written[4], written[3], written[2]]
    assert list(stores.audit.entries(100)) == written[::-1]
