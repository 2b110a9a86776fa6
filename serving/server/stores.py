"""All that the database keeps, each in the store of its room."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from serving.audiences.store import AudienceStore
from serving.audit.store import AuditLog
from serving.campaigns.store import CampaignStore
from serving.changes.feed import ChangeFeed
from serving.changes.webhook_store import WebhookStore
from serving.exhibits.store import ExhibitStore
from serving.experiments.store import ExperimentStore
from serving.jobs.store import JobStore
from serving.live.store import LiveStore
from serving.people.api_keys.store import KeyStore
from serving.people.invitation_store import InvitationStore
from serving.people.person_store import PersonStore
from serving.people.service import PeopleStores
from serving.people.session_store import SessionStore
from serving.privacy.store import ErasureStore
from serving.runs.store import RunStore
from serving.segments.store import SegmentStore
from serving.store.account_members import AccountStore
from serving.store.database import open_database
from serving.store.facets import FacetStore
from serving.store.likely_buyers import BuyerStore
from serving.store.rules import PublishRules


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Score runs, keys, people, what happened, who changed, in which groups they are, who will buy
    what, who was erased, what each run shows as a whole, campaigns, audiences, readings of
    experiments, orders that were sent, how many customers a filter would leave, and jobs.

    `close` gives the connections back.
    """

    scores: RunStore
    keys: KeyStore
    people: PeopleStores
    audit: AuditLog
    feed: ChangeFeed
    segments: SegmentStore
    buyers: BuyerStore
    erasures: ErasureStore
    webhooks: WebhookStore
    exhibits: ExhibitStore
    campaigns: CampaignStore
    audiences: AudienceStore
    experiments: ExperimentStore
    live: LiveStore
    facets: FacetStore
    accounts: AccountStore
    jobs: JobStore
    close: Callable[[], None] = lambda: None


def open_stores(url: str, rules: PublishRules | None = None) -> Stores:
    """The stores in the database at `url`; see `serving.store.database.open_database`.

    `rules` say which changes are told.
    """
    return stores_on(open_database(url), rules)


def stores_on(engine: Engine, rules: PublishRules | None = None) -> Stores:
    """The stores in a database that is open; see `open_stores`."""
    scores = RunStore(engine, rules)
    return Stores(
        scores=scores,
        keys=KeyStore(engine),
        people=PeopleStores(
            persons=PersonStore(engine),
            sessions=SessionStore(engine),
            invitations=InvitationStore(engine),
        ),
        audit=AuditLog(engine),
        feed=ChangeFeed(engine),
        segments=SegmentStore(engine, scores.facets),
        buyers=BuyerStore(engine),
        erasures=ErasureStore(engine),
        webhooks=WebhookStore(engine),
        exhibits=ExhibitStore(engine),
        campaigns=CampaignStore(engine),
        audiences=AudienceStore(engine),
        experiments=ExperimentStore(engine),
        live=LiveStore(engine, rules),
        facets=scores.facets,
        accounts=AccountStore(engine),
        jobs=JobStore(engine),
        close=engine.dispose,
    )
