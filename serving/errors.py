"""The errors of `serving`.

    RegularsError        `features.errors`
    ├── StoreError       the store of score runs cannot be used
    │   ├── NoRun        nothing has been scored yet
    │   ├── StoreLost    its file is gone, another one, or damaged
    │   └── StoreBusy    an answer would have to be waited for
    ├── DigestNotSent    the mail server does not take the digest
    ├── UnknownCustomer  no customer of this id in the run
    ├── UnknownWebhook   no webhook of this id
    ├── UnknownCampaign  no campaign of this id
    ├── UnknownExperiment  no experiment of this name
    ├── UnknownAudience  no audience of this id
    ├── AudienceConflict the name of an audience is taken
    ├── NotInRun         the latest run shows nothing of this name
    ├── CampaignConflict something that happened meanwhile is in the way of a campaign
    ├── CursorTooOld     the changes behind a cursor are no longer kept
    ├── ProviderFailed   the organisation's sign-in did not say who somebody is
    ├── UnknownPerson    nobody of this name or id signs in here
    ├── UnknownInvitation  a link that lets nobody in, or no more
    ├── UnknownShop      the server has no shop of this name
    ├── ShopClosed       the shop cannot be opened
    ├── UnknownImport    no import of this id is kept
    ├── UnknownJob       no job of this id is kept
    ├── NoWorker         the server that was asked works no jobs
    ├── NoRoomForImport  the file of an import cannot be kept
    ├── KeyReused        the key of a request came with another body before
    └── ScorerAway       the process that scores single customers cannot answer
        ├── ScorerBusy       it has as many as it can take
        └── ScorePending     a new customer's first score is not made yet

Each message is for the person who can mend it; see `features.errors`.
"""

from features.errors import RegularsError


class StoreError(RegularsError):
    """The store of score runs cannot be used."""


class DigestNotSent(RegularsError):
    """The mail server cannot be reached or does not take the digest."""


class NoRun(StoreError):
    """Nothing has been scored yet."""


class StoreLost(StoreError):
    """The file of the store is gone, was replaced by another, or is damaged."""


class StoreBusy(StoreError):
    """An answer would have to be waited for, and whoever asked cannot wait."""

    def __init__(self) -> None:
        super().__init__("The store is busy.")


class UnknownCustomer(RegularsError):
    """No customer of this id in the run."""

    def __init__(self, customer_id: str) -> None:
        self.customer_id = customer_id
        super().__init__("No customer of this id in the latest run.")


class UnknownWebhook(RegularsError):
    """No webhook of this id."""

    def __init__(self) -> None:
        super().__init__("No webhook of this id.")


class UnknownCampaign(RegularsError):
    """No campaign of this id."""

    def __init__(self) -> None:
        super().__init__("No campaign of this id.")


class UnknownExperiment(RegularsError):
    """No experiment of this name."""

    def __init__(self) -> None:
        super().__init__("No experiment of this name.")


class UnknownAudience(RegularsError):
    """No audience of this id."""

    def __init__(self) -> None:
        super().__init__("No audience of this id.")


class AudienceConflict(RegularsError):
    """The name of an audience is taken, or there are too many."""


class ProviderFailed(RegularsError):
    """A provider of OpenID Connect did not say who somebody is, or cannot be believed."""


class UnknownPerson(RegularsError):
    """Nobody of this name or id signs in here."""

    def __init__(self) -> None:
        super().__init__("Nobody of this name or id is here. `regulars people list` shows them.")


class UnknownInvitation(RegularsError):
    """A link that was used, withdrawn, is too old, or never was one."""

    def __init__(self) -> None:
        super().__init__("This link lets nobody in, or no more.")


class NotInRun(RegularsError):
    """The latest run shows nothing of this name."""


class CampaignConflict(RegularsError):
    """Something that happened meanwhile is in the way of a campaign."""


class CursorTooOld(RegularsError):
    """The changes behind a cursor are no longer kept."""


class UnknownShop(RegularsError):
    """The server has no shop of this name."""


class ShopClosed(RegularsError):
    """The shop cannot be opened."""


class KeyReused(RegularsError):
    """The key of a request came with another body before."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key came with another body before.")


class UnknownImport(RegularsError):
    """No import of this id is kept."""


class UnknownJob(RegularsError):
    """No job of this id is kept."""

    def __init__(self) -> None:
        super().__init__("No job of this id.")


class NoWorker(RegularsError):
    """The server that was asked works no jobs."""

    def __init__(self) -> None:
        super().__init__("`regulars run` does what a job would.")


class NoRoomForImport(RegularsError):
    """The file of an import cannot be kept."""


class ScorerAway(RegularsError):
    """The process that scores single customers cannot answer."""


class ScorerBusy(ScorerAway):
    """It has as many as it can take."""


class ScorePending(ScorerAway):
    """A new customer's first score is not made yet."""

    def __init__(self) -> None:
        super().__init__("The customer's orders are kept; the score follows.")
