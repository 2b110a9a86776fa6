"""The members of a campaign as files: CSV, Excel, a hashed audience."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from serving.campaigns.audience import MAIL_COLUMN, id_hash
from serving.campaigns.store import CampaignMember
from serving.churn_list.lists import csv_bytes
from serving.web.workbook import workbook_bytes

COLUMNS = (
    "customer_id",
    "arm",
    "stratum",
    "retention_risk",
    "rfm_group",
    "rfm_cell",
    "value_at_risk",
    "expected_profit",
    "orders",
    "revenue",
)
"""Of a file with members; what happened since is empty until it has been measured."""

AUDIENCE_COLUMNS = (MAIL_COLUMN, "customer_id_hmac_sha256")

Blocks = Iterable[Sequence[CampaignMember]]


def plain_name(name: str) -> str:
    """A file's name of letters, digits and dashes: names of arms and campaigns may hold anything."""
    return "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name)


def member_row(member: CampaignMember) -> list[Any]:
    """A member under `COLUMNS`."""
    return [getattr(member, name) for name in COLUMNS]


def csv_lines(blocks: Blocks) -> Iterator[bytes]:
    """Members as CSV: as Excel opens it rightly, without a formula."""
    yield "\ufeff".encode() + csv_bytes([list(COLUMNS)])
    for block in blocks:
        yield csv_bytes(member_row(member) for member in block)


def audience_lines(blocks: Blocks, key: str) -> Iterator[bytes]:
    """Members as an advertising platform takes them: hashes, and nobody's name or id.

    Parameters
    ----------
    key : of the hash that stands for those without a mail address
    """
    yield csv_bytes([list(AUDIENCE_COLUMNS)])
    for block in blocks:
        yield csv_bytes([member.contact_hash, _stand_in(member, key)] for member in block)


def _stand_in(member: CampaignMember, key: str) -> str | None:
    return None if member.contact_hash else id_hash(member.customer_id, key)


def workbook(blocks: Blocks) -> Iterator[bytes]:
    """Members as an Excel workbook: numbers are numbers, texts are texts."""
    return workbook_bytes(COLUMNS, (map(member_row, block) for block in blocks))
