"""Ad audiences: customers as hashes, which a platform matches without learning who they are.

Platforms compare SHA-256 of the mail address in lower case without blanks around it. Where no
address is known, a keyed hash of the customer's id stands for it: fit for a system that holds
the same key, and for nobody else.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256

from serving.campaigns.store import CampaignStore
from serving.store.protocol import ChurnFilter
from serving.store.run import PublishedRun


def id_hash(customer_id: str, key: str) -> str:
    """HMAC-SHA-256 of the id under the campaign's key, in hexadecimal."""
    return hmac.new(key.encode(), customer_id.encode(), sha256).hexdigest()


@dataclass(frozen=True)
class Refusals:
    """Who has refused to be contacted, as the latest scores know."""

    customer_ids: frozenset[str]
    contact_hashes: frozenset[str]

    @classmethod
    def of(cls, store: CampaignStore) -> "Refusals":
        """Those of the whole shop."""
        _, refused, _ = store.candidates(ChurnFilter(consent=("no",)))
        return cls(
            frozenset(customer.customer_id for customer in refused),
            frozenset(customer.contact_hash for customer in refused if customer.contact_hash),
        )

    def hold(self, customer_id: str, contact_hash: str | None) -> bool:
        """Whether the customer refused, or somebody did who has the same mail address."""
        return customer_id in self.customer_ids or contact_hash in self.contact_hashes


def mail_hashes(store: CampaignStore, chosen_from: ChurnFilter) -> tuple[PublishedRun, list[str]]:
    """The latest run, and the sorted hashes of whom a filter lets through and who may be contacted.

    Where consent is known at all, only who has given it; else everybody who has not refused. An
    address that somebody who refused also has is not among them.
    """
    refusals = Refusals.of(store)
    run, listed, _ = store.candidates(chosen_from)
    needs_consent = run.info.economics.get("consent_known", False)
    hashes = sorted(
        candidate.contact_hash
        for candidate in listed
        if candidate.contact_hash
        and not refusals.hold(candidate.customer_id, candidate.contact_hash)
        and (candidate.consent or not needs_consent)
    )
    return run, hashes
