"""The whole of `regulars.toml`: what `serving` reads beside the settings of `training`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from features.errors import ConfigError
from features.language.languages import SOURCE, languages
from features.settings.loading import CONFIG_NAME, load_settings
from features.settings.section import Section
from training.settings import ModelStore, TrainingSettings


def _language(value: str) -> str:
    if value not in languages():
        raise ValueError(f"choose one of {', '.join(languages())}")
    return value


HostName = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9.-]{1,253}$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
KnownLanguage = Annotated[str, AfterValidator(_language)]
Origin = Annotated[str, Field(pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$")]


class Serve(Section):
    """Limits of the server; `docs/operations.md` says how to choose them."""

    requests_per_second: int = Field(1_000, ge=1, le=1_000_000)
    """Of one key, or of one address where there are no keys; more are answered 429."""
    in_flight: int = Field(32, ge=1, le=40)
    """Requests that are worked on at once; there are 40 threads."""
    queue: int = Field(64, ge=0, le=10_000)
    """Requests that wait for their turn; more are answered 503."""
    queue_seconds: float = Field(2.0, gt=0, le=60)
    """How long a request waits at most."""
    body_seconds: float = Field(10.0, gt=0, le=300)
    """In which a body must have come."""
    body_bytes: int = Field(1024 * 1024, ge=16 * 1024, le=64 * 1024 * 1024)
    """Of a body at most; larger ones are answered 413."""
    import_bytes: int = Field(1024**3, ge=1024**2, le=64 * 1024**3)
    """Of a file of order lines at most, packed and unpacked; larger ones are answered 413."""
    import_seconds: float = Field(600.0, gt=0, le=86_400)
    """In which such a file must have come."""
    upload_bytes: int = Field(2_000_000_000, ge=1024**2, le=64 * 1024**3)
    """Of a file of orders that is sent on a page at most, packed and unpacked."""
    upload_seconds: float = Field(3_600.0, gt=0, le=86_400)
    """In which such a file must have come."""
    address_bytes: int = Field(16 * 1024, ge=1024, le=60_000)
    """Of path and query at most; longer ones are answered 414."""
    header_bytes: int = Field(32 * 1024, ge=1024, le=60_000)
    """Of all headers at most; larger ones are answered 431."""
    connections: int = Field(512, ge=16, le=50_000)
    """At once, and at most as the limit of open files leaves room for. With more the one that has
    been idle longest is closed; where none is idle, a new one is answered 503, but for probes."""
    idle_seconds: float = Field(15.0, ge=1, le=3_600)
    """How long a connection may stay open without a request."""
    head_seconds: float = Field(10.0, gt=0, le=300)
    """In which the head of a request must have come, or what is left of a body once answered."""
    send_seconds: float = Field(20.0, gt=0, le=3_600)
    """In which the caller must read 16 KB of an answer, or its rest; else the connection ends."""
    in_flight_per_key: int = Field(24, ge=1, le=40)
    """Requests of one key that are worked on at once; as many again wait."""
    cors_origins: tuple[Origin, ...] = ()
    """Sites whose pages may call the API with a key; by default none but our own."""
    drain_seconds: float = Field(2.0, ge=0, le=20)
    """Between saying that the server is not ready and refusing connections, on SIGTERM."""
    last_good_seconds: float = Field(3_600.0, ge=0)
    """How long answers read before are given while the store is gone; 0: not at all."""
    last_good_customers: int = Field(5_000, ge=0, le=1_000_000)
    """Of how many customers the last answers are kept in memory, about 6 KB each."""
    mlflow_url: str | None = Field(None, pattern=r"^https?://")
    """Where people reach MLflow's own pages, which the page of the models then links to."""
    hosts: tuple[HostName, ...] = ()
    """Names by which the shop is addressed where several share a server, beside its path."""
    webhook_seconds: float = Field(10.0, gt=0, le=60)
    """How long a call to a webhook takes at most."""
    webhook_give_up_hours: float = Field(72.0, gt=0, le=720)
    """Without an acknowledged call, after which a webhook is switched off."""
    webhook_private_addresses: bool = False
    """Whether webhooks may lead to addresses that are not of the open internet."""
    webhook_plain_http: bool = False
    """Whether webhooks may be called without TLS."""


Claim = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,100}$")]


class OidcRoles(Section):
    """Which values of `people.oidc.role_claim` make somebody what; `"*"` is everybody."""

    viewer: tuple[str, ...] = ()
    marketer: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()


class Oidc(Section):
    """Sign-in through a provider of OpenID Connect; `docs/people.md` says how."""

    issuer: str = Field(
        pattern=r"^(https://[^\s?#]+|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?(/[^\s?#]*)?)$"
    )
    """The provider's address, under which `/.well-known/openid-configuration` lies; by https, or
    on this machine."""
    client_id: str = Field(min_length=1)
    """What the provider calls this server."""
    client_secret_env: str = Field("REGULARS_OIDC_SECRET", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """The variable of the environment that holds the secret."""
    name_claim: Claim = "email"
    """What people are called by here."""
    role_claim: Claim = "groups"
    """What decides on the role."""
    roles: OidcRoles = OidcRoles()


class PeopleSettings(Section):
    """People who sign in; `docs/people.md`."""

    address: Origin | None = None
    """Where people reach the server, such as `https://regulars.example.com`: in links that
    commands print, and where a provider sends people back to."""
    idle_hours: float = Field(24.0, gt=0, le=24 * 90)
    """Without a request, after which a session ends."""
    session_days: float = Field(14.0, gt=0, le=365)
    """After which a session ends in any case."""
    invitation_days: float = Field(7.0, gt=0, le=90)
    """How long a link that lets somebody in once can be used."""
    password_megabytes: int = Field(64, ge=8, le=4_096)
    """Memory that checking a password takes, two of them at once; more is harder to guess."""
    oidc: Oidc | None = None

    @model_validator(mode="after")
    def _come_back_somewhere(self) -> "PeopleSettings":
        if self.oidc is not None and self.address is None:
            raise ValueError("people.address is needed with people.oidc: people come back there")
        return self


class ChangeSettings(Section):
    """Thresholds of `GET /v1/changes`, each against what was told of a customer last."""

    churn_points: float = Field(0.10, gt=0, le=1)
    """A churn probability that moved so far is told."""
    clv_share: float = Field(0.25, gt=0, le=100)
    """A value that moved by this share of what was told last is told …"""
    least_clv: float = Field(1.0, ge=0)
    """… if that is at least so many units of the currency."""
    band_margin: float = Field(0.05, ge=0, le=1)
    """Another risk band is told once the churn probability has moved so far, too."""


ActionCode = Literal[
    "personal_call", "win_back_offer", "personal_message", "reminder", "thank_you", "newsletter"
]
"""Of the actions that a shop may name; to leave somebody alone is no action."""
ActionName = Annotated[str, Field(min_length=1, max_length=80)]
ChannelCost = Annotated[float, Field(ge=0, le=1e9)]


class CampaignSettings(Section):
    """Assumptions of expected profits and defaults of campaigns; `docs/campaigns.md`."""

    cost_per_contact: float = Field(0.0, ge=0, le=1e9)
    """In units of the currency."""
    save_rate: float = Field(0.05, gt=0, le=1)
    """Share of the value at risk that a contact is assumed to save."""
    margin_share: float = Field(0.30, gt=0, le=1)
    """Net profit ÷ revenue, where the orders do not tell what they cost."""
    channels: dict[Annotated[str, Field(min_length=1, max_length=60)], ChannelCost] = Field(
        default_factory=dict
    )
    """Channel → cost of a contact by it, in units of the currency."""
    actions: dict[ActionCode, dict[KnownLanguage, ActionName]] = Field(default_factory=dict)
    """Suggested action → what the shop calls it, by language; without a name in the reader's
    language the English one, and without that ours."""
    hold_out: float = Field(0.10, gt=0, le=0.5)
    """Share of the chosen customers who are not contacted, so that the effect can be measured."""


class DigestSettings(Section):
    """The weekly digest by e-mail; `docs/exports.md`."""

    smtp_host: str | None = None
    """The mail server; without it nothing is sent."""
    smtp_port: int = Field(587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is encrypted; `none` is for a server on the same machine."""
    ca_file: str | None = None
    """Certificates (PEM) that are trusted beside the system's: those of the shop's own authority."""
    user: str | None = None
    """Who signs in at the mail server; None: nobody does."""
    password_variable: str = "REGULARS_SMTP_PASSWORD"  # noqa: S105 - a name
    """The environment variable that holds the password."""
    sender: str | None = None
    """The address that it comes from."""
    to: tuple[str, ...] = Field((), max_length=50)
    """The addresses that it goes to."""
    weekday: Weekday = "monday"
    """From this day of the week on the next regular run sends it."""
    language: KnownLanguage | None = None
    """Of its words; None: that of `store.exports_language`."""
    address: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    """Where the shop's pages are reached, for links; None: no links."""
    unsubscribe: Annotated[str, Field(pattern=r"^(mailto:|https://)[^\s<>]+$")] | None = None
    """What readers' mail programs offer to end it: a mail address or a page."""


class Store(ModelStore):
    """Where score runs, the published models and the orders are kept."""

    url: str = "sqlite:///data/regulars.db"
    keep_runs: int = Field(30, ge=2, le=10_000)
    """How many score runs stay; `docs/settings.md` says which others do."""
    imports: str = "data/imports"
    """The folder of order lines that were sent as a file and are not taken in yet."""
    exports: str = "data/exports"
    """The folder of the files that `regulars run` writes."""
    exports_language: KnownLanguage = SOURCE
    """Of the words in files for people that commands write."""
    erasure_key: str = "data/erasure.key"
    """The secret that keeps erased customers out without naming them."""
    pseudonym_key: str = "data/pseudonym.key"
    """The secret of what customers are called in exports for data scientists."""


class Settings(TrainingSettings):
    """Every section of `regulars.toml`, and the folder its paths count from."""

    store: Store = Store()
    changes: ChangeSettings = ChangeSettings()
    campaigns: CampaignSettings = CampaignSettings()
    digest: DigestSettings = DigestSettings()
    serve: Serve = Serve()
    people: PeopleSettings = PeopleSettings()

    def places(self) -> dict[str, str]:
        """Setting → where it keeps something of the shop, in full."""
        store, tracking = self.store, self.tracking
        folders = {
            "store.bundles": store.bundles,
            "store.log": store.log,
            "store.quarantine": store.quarantine,
            "store.exports": store.exports,
            "store.imports": store.imports,
            "store.erasure_key": store.erasure_key,
            "store.pseudonym_key": store.pseudonym_key,
        }
        return {
            "store.url": self.database_url(store.url),
            **{
                setting: str(self.path(folder).resolve())
                for setting, folder in folders.items()
                if folder is not None
            },
            "tracking.uri": self.database_url(tracking.uri),
        }


def with_accepted(settings: Settings, reasons: Mapping[str, str]) -> Settings:
    """The settings with findings that are accepted beside those of `data.accept`, with the reasons."""
    data = settings.data.model_copy(update={"accept": {**settings.data.accept, **reasons}})
    return settings.model_copy(update={"data": data})


def load_shop(config: Path) -> Settings:
    """The settings of a shop, which shares nothing that it keeps with another in its folder.

    Of several settings files that share something the first one goes on: `regulars.toml`, else
    the one with the shortest name. A copy that was made to try something stops nobody.

    Raises
    ------
    ConfigError
        Listing every problem of the file, or what it shares with a file that comes before it.
    """
    settings = load_settings(config, Settings)
    own_places = settings.places()
    for sibling in sorted(config.absolute().parent.glob("*.toml"), key=_precedence):
        if _precedence(sibling) >= _precedence(config):
            break
        if shared := _shared_with(sibling, own_places):
            raise ConfigError(
                f"{config}: keeps {', '.join(shared)} where {sibling.name} beside it does. Give "
                "each shop places of its own, as `regulars init` writes them beside other settings."
            )
    return settings


def _precedence(file: Path) -> tuple[bool, int, str]:
    return file.name != CONFIG_NAME, len(file.name), file.name


def _shared_with(sibling: Path, own_places: dict[str, str]) -> list[str]:
    """The settings whose places are those of a sibling's, whatever setting names them there."""
    try:
        taken = set(load_settings(sibling, Settings).places().values())
    except ConfigError:
        return []  # another program's file, or one that nothing can be run with
    return [setting for setting, place in own_places.items() if place in taken]
