"""Ad audiences: customers as hashes, which a platform matches without learning who they are.

Platforms compare SHA-256 of the mail address in lower case without blanks around it. Where no
address is known, a keyed hash of the customer's id stands for it: fit for a system that holds
the same key, and for nobody else.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from serving.campaigns.store import CampaignStore
from serving.churn_list.lists import csv_bytes
from serving.contacts.left_out import LeftOut, is_consent_kept, may_be_contacted
from serving.store.protocol import ChurnFilter
from serving.store.run import PublishedRun

MAIL_COLUMN = "email_sha256"


@dataclass(frozen=True, kw_only=True)
class ListAudience:
    """An audience of a list: `customers` have an address and stand in `lines`."""

    run: PublishedRun
    customers: int
    left_out: LeftOut
    lines: Iterator[bytes]


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
        _, refused = store.contacts(ChurnFilter(consent=("no",)))
        return cls(
            frozenset(customer.customer_id for customer in refused),
            frozenset(customer.contact_hash for customer in refused if customer.contact_hash),
        )

    def hold(self, customer_id: str, contact_hash: str | None) -> bool:
        """Whether the customer refused, or somebody did who has the same mail address."""
        return customer_id in self.customer_ids or contact_hash in self.contact_hashes


def mail_audience(store: CampaignStore, chosen_from: ChurnFilter) -> ListAudience:
    """The mail addresses of whom a filter lets through and who may be contacted, as the latest run
    knows them, in the order of their hashes.

    An address that somebody who refused also has is not among them.
    """
    refusals = Refusals.of(store)
    run, listed = store.contacts(chosen_from)
    is_kept = is_consent_kept(run.info)
    hashes = sorted(
        customer.contact_hash
        for customer in listed
        if customer.contact_hash
        and may_be_contacted(customer.consent, is_kept=is_kept)
        and not refusals.hold(customer.customer_id, customer.contact_hash)
    )
    return ListAudience(
        run=run,
        customers=len(hashes),
        left_out=LeftOut.of((customer.consent for customer in listed), is_kept=is_kept),
        lines=iter([csv_bytes([[MAIL_COLUMN], *([mail_hash] for mail_hash in hashes)])]),
    )
