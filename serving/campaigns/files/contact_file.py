"""The contact file of a campaign: whom to contact, how, why, with which offers, under which code."""

import base64
import hmac
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256

from features.errors import ConfigError, DataError
from features.language.languages import SOURCE, Language
from features.language.message import mark
from features.tables.reached import ContactDetails, mail_address
from serving.campaigns.audience import ListAudience
from serving.campaigns.files.platforms import Platform, platform_lines, platform_row
from serving.campaigns.plan import CampaignView, secret_of
from serving.campaigns.service import CampaignService
from serving.campaigns.store import CampaignMember, CampaignStore
from serving.churn_list.lists import csv_bytes
from serving.contacts.address_book import AddressBook
from serving.contacts.left_out import LeftOut, is_consent_kept, may_be_contacted
from serving.errors import UnknownCustomer
from serving.store.protocol import ChurnFilter, ScoreReader
from serving.web.words import RISK_EFFECTS, Words
from serving.web.workbook import Row, WorkbookColumn, WorkbookNotes, workbook_bytes

OFFERS = 3
CODE_SIGNS = 10
MEMBERS_PER_READ = 500
NO_ADDRESS = mark(
    "No mail address and no phone number is known of those who may be contacted. Name the columns of "
    "the shop's table of customers in data.customers: email, phone or contact."
)
NOTES = mark("About this file")
TITLES = {
    "customer_id": mark("Customer"),
    "name": mark("Name"),
    "email": mark("E-mail"),
    "phone": mark("Phone"),
    "language": mark("Language"),
    "arm": mark("Arm"),
    "reason": mark("Reason"),
    "offer_1": mark("Offer 1"),
    "offer_2": mark("Offer 2"),
    "offer_3": mark("Offer 3"),
    "code": mark("Code"),
}


@dataclass(frozen=True, kw_only=True)
class ContactRow:
    """Somebody to contact; the fields are the columns of the file."""

    customer_id: str
    name: str | None
    email: str | None
    phone: str | None
    language: str | None
    arm: str
    reason: str | None
    offer_1: str | None
    offer_2: str | None
    offer_3: str | None
    code: str


COLUMNS = tuple(field.name for field in fields(ContactRow))


@dataclass(frozen=True, kw_only=True)
class CampaignContacts:
    """Who of a campaign may be contacted today: `members` + `left_out` are those drawn for it."""

    campaign: CampaignView
    members: Sequence[CampaignMember]
    details: Mapping[str, ContactDetails]
    left_out: LeftOut

    @property
    def without_address(self) -> int:
        """Those in the file of whom neither a mail address nor a phone number is known."""
        return sum(
            details.email is None and details.phone is None for details in self.details.values()
        )

    def page(self, offset: int, limit: int) -> "CampaignContacts":
        """The same with some of the members."""
        return replace(self, members=self.members[offset : offset + limit])


def contacts_of(
    service: CampaignService, campaign_id: str, book: AddressBook, *, arm: str | None = None
) -> CampaignContacts:
    """Who may be contacted, of one contacted arm or all, by what the shop's table says now.

    Raises
    ------
    ConfigError
        When the arm is none that is contacted, or the table cannot be read.
    UnknownCampaign
        When there is no such campaign.
    """
    campaign = service.campaign(campaign_id)
    arms = {entry["arm"]: entry["members"] for entry in campaign["arms"] if entry["contacted"]}
    if arm is not None and arm not in arms:
        raise ConfigError(f"arm: none that is contacted (have: {', '.join(arms)}).")
    chosen = [arm] if arm is not None else list(arms)
    members = [
        member
        for name in chosen
        for block in service.all_members(campaign_id, arm=name)
        for member in block
    ]
    try:
        from_table = book.read([member.customer_id for member in members])
    except DataError as error:
        raise ConfigError(str(error)) from None
    details = {
        member.customer_id: _with_own_address(member.customer_id, from_table) for member in members
    }
    is_kept = book.keeps_consent
    consents = {customer_id: own.consent for customer_id, own in details.items()}
    allowed = [
        member
        for member in members
        if may_be_contacted(consents[member.customer_id], is_kept=is_kept)
    ]
    return CampaignContacts(
        campaign=campaign,
        members=allowed,
        details={member.customer_id: details[member.customer_id] for member in allowed},
        left_out=replace(
            LeftOut.of(consents.values(), is_kept=is_kept),
            erased=sum(arms[name] for name in chosen) - len(members),
        ),
    )


def contact_rows(
    contacts: CampaignContacts, scores: ScoreReader, language: Language | None = None
) -> Iterator[list[ContactRow]]:
    """The rows of the file, in blocks; reasons and offers are those of the latest scores."""
    words = Words(language or SOURCE)
    key = secret_of(contacts.campaign)
    for start in range(0, len(contacts.members), MEMBERS_PER_READ):
        members = contacts.members[start : start + MEMBERS_PER_READ]
        _, documents = scores.customers([member.customer_id for member in members])
        yield [
            ContactRow(
                customer_id=member.customer_id,
                name=contacts.details[member.customer_id].name,
                email=contacts.details[member.customer_id].email,
                phone=contacts.details[member.customer_id].phone,
                language=contacts.details[member.customer_id].language,
                arm=member.arm,
                reason=_reason(document, words),
                code=personal_code(member.customer_id, key),
                **_offers(member.customer_id, scores),
            )
            for member, document in zip(members, documents, strict=True)
        ]


def contact_csv(blocks: Iterator[list[ContactRow]]) -> Iterator[bytes]:
    """The file for programs: as Excel opens it rightly, without a formula."""
    yield "\ufeff".encode() + csv_bytes([list(COLUMNS)])
    for block in blocks:
        yield csv_bytes(list(asdict(row).values()) for row in block)


def contact_workbook(
    contacts: CampaignContacts, scores: ScoreReader, language: Language | None = None
) -> Iterator[bytes]:
    """The file for people, with a sheet that says who is left out and what the columns mean."""
    words = Words(language or SOURCE)
    blocks = contact_rows(contacts, scores, language)
    return workbook_bytes(
        [
            WorkbookColumn(words.say(title), "sentence" if name == "reason" else "text")
            for name, title in TITLES.items()
        ],
        (
            [list({**asdict(row), "arm": words.arm(row.arm)}.values()) for row in block]
            for block in blocks
        ),
        title=words.say(mark("Contact list")),
        notes=WorkbookNotes(title=words.say(NOTES), rows=_notes(contacts, words)),
    )


def audience_file(
    contacts: CampaignContacts, book: AddressBook, platform: Platform
) -> tuple[int, Iterator[bytes]]:
    """How many have an address, and their hashes as the platform takes them.

    Raises
    ------
    ConfigError
        When nobody has one.
    """
    return platform_file(contacts.details.values(), book, platform)


def list_audience(
    store: CampaignStore, book: AddressBook, chosen_from: ChurnFilter, platform: Platform
) -> ListAudience:
    """Those of a list who may be contacted and have an address, for a platform.

    Raises
    ------
    ConfigError
        When nobody has one, or the table of customers cannot be read.
    """
    run, listed = store.contacts(chosen_from)
    try:
        read = book.read([candidate.customer_id for candidate in listed])
    except DataError as error:
        raise ConfigError(str(error)) from None
    details = {
        candidate.customer_id: _with_own_address(candidate.customer_id, read)
        for candidate in listed
    }
    consents = {
        candidate.customer_id: details[candidate.customer_id].consent
        if book.keeps_consent
        else candidate.consent
        for candidate in listed
    }
    is_kept = book.keeps_consent or is_consent_kept(run.info)
    allowed = [
        details[name]
        for name, consent in consents.items()
        if may_be_contacted(consent, is_kept=is_kept)
    ]
    count, lines = platform_file(allowed, book, platform)
    return ListAudience(
        run=run,
        customers=count,
        left_out=LeftOut.of(consents.values(), is_kept=is_kept),
        lines=lines,
    )


def platform_file(
    details: Collection[ContactDetails], book: AddressBook, platform: Platform
) -> tuple[int, Iterator[bytes]]:
    """The same of anybody's details."""
    rows = [row for person in details if (row := platform_row(person, platform, book.calling_code))]
    if not rows:
        raise ConfigError(NO_ADDRESS)
    return len(rows), platform_lines(rows, platform)


def personal_code(customer_id: str, key: str) -> str:
    """A code by which an order can be told to come from this contact, such as `7QK2M-4ZTXA`.

    >>> personal_code("ann", "seed") == personal_code("ann", "seed") != personal_code("bob", "seed")
    True
    """
    digest = hmac.new(key.encode(), f"code\n{customer_id}".encode(), sha256).digest()
    signs = base64.b32encode(digest).decode()[:CODE_SIGNS]
    return f"{signs[:5]}-{signs[5:]}"


def _with_own_address(customer_id: str, details: Mapping[str, ContactDetails]) -> ContactDetails:
    """What the table says; the id itself is an address where the shop's ids are."""
    own = details.get(customer_id, ContactDetails())
    if own.email is not None or (address := mail_address(customer_id)) is None:
        return own
    return ContactDetails(**{**asdict(own), "email": address})


def _reason(document: bytes | None, words: Words) -> str | None:
    """The clearest reason for the risk, in one sentence."""
    reasons = [] if document is None else json.loads(document)["reasons"]
    of_risk = (reason for reason in reasons if reason["effect"] in RISK_EFFECTS)
    first = next(of_risk, None)
    return None if first is None else words.both(first["text"])


def _offers(customer_id: str, scores: ScoreReader) -> dict[str, str | None]:
    """The first products to offer; fewer where fewer are recommended."""
    try:
        products = json.loads(scores.recommendations(customer_id).body)[:OFFERS]
    except UnknownCustomer:
        products = []
    names = [product["product_name"] or product["product_id"] for product in products]
    names += [None] * (OFFERS - len(names))
    return {f"offer_{number}": name for number, name in enumerate(names, start=1)}


def _notes(contacts: CampaignContacts, words: Words) -> list[Row]:
    say, left_out = words.say, contacts.left_out
    return [
        [say(NOTES), "", ""],
        [say(mark("Campaign")), contacts.campaign["name"]],
        [say(mark("Customers in this file")), len(contacts.members)],
        [say(mark("Without e-mail and phone")), contacts.without_address],
        [say(mark("Left out: refused to be contacted")), left_out.refused],
        [say(mark("Left out: without consent")), left_out.without_consent],
        [say(mark("Left out: erased")), left_out.erased],
        [say(mark("Drawn for contact")), len(contacts.members) + left_out.total],
        [],
        [say(mark("Column")), say(mark("Name in CSV and API")), say(mark("What it means"))],
        *([say(title), name, say(_MEANINGS[name])] for name, title in TITLES.items()),
    ]


_MEANINGS = {
    "customer_id": mark("The shop's own id of the customer."),
    "name": mark("What the shop's table of customers calls the customer."),
    "email": mark("From the shop's table of customers, as it was when this file was made."),
    "phone": mark("From the shop's table of customers, as it was when this file was made."),
    "language": mark("In which language to write, as the shop's table says."),
    "arm": mark("Which contact was drawn for the customer. Those held out are in no contact file."),
    "reason": mark(
        "Why the customer is at risk, or not: the clearest sign. For you, not for the message."
    ),
    "offer_1": mark("The product that the customer will most probably take."),
    "offer_2": mark("The next one."),
    "offer_3": mark("The third one."),
    "code": mark(
        "Personal: print it in the message, and an order that names it came from this contact."
    ),
}
