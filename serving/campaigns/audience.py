"""Ad audiences: customers as hashes, which a platform matches without learning who they are.

Platforms compare SHA-256 of the mail address in lower case without blanks around it. Where no
address is known, a keyed hash of the customer's id stands for it: fit for a system that holds
the same key, and for nobody else.
"""

import hmac
from hashlib import sha256

from serving.campaigns.store import CampaignStore
from serving.store.protocol import ChurnFilter
from serving.store.run import PublishedRun


def id_hash(customer_id: str, key: str) -> str:
    """HMAC-SHA-256 of the id under the campaign's key, in hexadecimal."""
    return hmac.new(key.encode(), customer_id.encode(), sha256).hexdigest()


def mail_hashes(store: CampaignStore, chosen_from: ChurnFilter) -> tuple[PublishedRun, list[str]]:
    """The latest run, and the sorted hashes of whom a filter lets through and who may be contacted.

    Where consent is known at all, only who has given it; else everybody who has not refused.
    """
    run, listed, _ = store.candidates(chosen_from)
    needs_consent = run.info.economics.get("consent_known", False)
    hashes = sorted(
        candidate.contact_hash
        for candidate in listed
        if candidate.contact_hash
        and candidate.consent is not False
        and (candidate.consent or not needs_consent)
    )
    return run, hashes
