"""Keys are believed for seconds of time that passes, whatever is done to the clock."""

import asyncio
from datetime import timedelta

from serving.people.api_keys.keys import OLDEST_SECONDS, KeyRing, new_key
from tests.serving.conftest import NOW
from tests.support.stores import fresh_stores


class Times:
    """A clock that can be set, and seconds that only grow."""

    def __init__(self):
        self.now, self.seconds = NOW, 100.0

    def clock(self):
        return self.now

    def ticks(self):
        return self.seconds


def test_a_revoked_key_is_refused_within_seconds_though_the_clock_is_set_back():
    times, stores = Times(), fresh_stores()
    token, key = new_key("read", name="crm", at=NOW, expires_days=None)
    stores.keys.add(key)
    ring = KeyRing(stores.keys, times.clock, last_good_seconds=3_600, ticks=times.ticks)

    async def holder():
        await ring.refresh()
        return ring.holder(token)

    async def scene():
        assert await holder() == key
        stores.keys.revoke(key.key_id, NOW)
        times.now -= timedelta(hours=1)
        times.seconds += OLDEST_SECONDS
        return await holder()

    assert asyncio.run(scene()) is None
