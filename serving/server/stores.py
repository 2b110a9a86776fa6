"""All that the database keeps, each behind its own small protocol."""

from collections.abc import Callable
from dataclasses import dataclass

from serving.campaigns.store import CampaignStore, MemoryCampaigns, SqlCampaigns
from serving.changes.feed import ChangeFeed, SqlFeed
from serving.changes.webhook_store import MemoryWebhooks, SqlWebhooks, WebhookStore
from serving.exhibits.store import ExhibitStore, MemoryExhibits, SqlExhibits
from serving.live.sql_store import SqlLive
from serving.live.store import LiveStore
from serving.people.audit_store import AuditLog, MemoryAudit, SqlAudit
from serving.people.key_store import KeyStore, MemoryKeys, SqlKeys
from serving.privacy.store import ErasureStore, MemoryErasures, SqlErasures
from serving.segments.store import MemorySegments, SegmentStore, SqlSegments
from serving.store.database import open_database
from serving.store.facets import FacetStore, MemoryFacets
from serving.store.memory import MemoryStore
from serving.store.protocol import Store
from serving.store.rules import PublishRules
from serving.store.sql import SqlStore


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Score runs, keys, what happened, who changed, in which groups they are, who was erased,
    what each run shows as a whole, campaigns, orders that were sent, and how many customers
    a filter would leave.

    `close` gives the connections back.
    """

    scores: Store
    keys: KeyStore
    audit: AuditLog
    feed: ChangeFeed
    segments: SegmentStore
    erasures: ErasureStore
    webhooks: WebhookStore
    exhibits: ExhibitStore
    campaigns: CampaignStore
    live: LiveStore
    facets: FacetStore
    close: Callable[[], None] = lambda: None


def open_stores(url: str, rules: PublishRules | None = None) -> Stores:
    """The stores in the database at `url`; see `serving.store.database.open_database`.

    `rules` say which changes are told.
    """
    engine = open_database(url)
    scores = SqlStore(engine, rules)
    return Stores(
        scores=scores,
        keys=SqlKeys(engine),
        audit=SqlAudit(engine),
        feed=SqlFeed(engine),
        segments=SqlSegments(engine, scores.facets),
        erasures=SqlErasures(engine),
        webhooks=SqlWebhooks(engine),
        exhibits=SqlExhibits(engine),
        campaigns=SqlCampaigns(engine),
        live=SqlLive(engine, rules),
        facets=scores.facets,
        close=engine.dispose,
    )


def memory_stores(scores: Store | None = None) -> Stores:
    """Stores that forget everything when the process ends, around `scores` if given."""
    scores = scores or MemoryStore()
    runs = scores if isinstance(scores, MemoryStore) else MemoryStore()
    campaigns = MemoryCampaigns(runs)
    return Stores(
        scores=scores,
        keys=MemoryKeys(),
        audit=MemoryAudit(),
        feed=runs.feed,
        segments=MemorySegments(runs),
        erasures=MemoryErasures(runs, campaigns.erase, runs.live.erase),
        webhooks=MemoryWebhooks(runs.feed),
        exhibits=MemoryExhibits(runs),
        campaigns=campaigns,
        live=runs.live,
        facets=MemoryFacets(runs),
    )
