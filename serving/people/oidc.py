"""Sign-in through a provider of OpenID Connect: who the organisation says somebody is.

The authorization code flow with PKCE (RFC 7636), by authlib; the provider's signature and claims
are checked by joserfc. What has to be the same on the way back lies in a cookie of the browser
that began, so that no other browser can end what it began.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from features.errors import ConfigError
from features.language.message import mark
from features.libraries.extras import require_extra
from serving.errors import ProviderFailed
from serving.people.names import MOST_CHARACTERS, usable_name
from serving.people.sessions import new_token
from serving.settings import Oidc
from serving.web.rights import ROLES, Role

DISCOVERY = "/.well-known/openid-configuration"
SECONDS = 10.0
"""How long the provider may take for one answer."""
METADATA_SECONDS = 3_600.0
LEEWAY_SECONDS = 60
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
"""Signatures with the provider's own key: none with a shared secret, and none without one."""
EVERYBODY = "*"
SCOPE = "openid email profile"

NO_ROLE = mark("Your organisation knows you, but has given you no role here. Ask an admin.")


@dataclass(frozen=True, kw_only=True)
class Journey:
    """What a browser keeps between leaving for the provider and coming back."""

    state: str
    nonce: str
    verifier: str
    next_path: str

    def to_dict(self) -> dict[str, str]:
        """Its parts by their names."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class ProvidedPerson:
    """Somebody as the provider tells of them; `role` None: they have none here."""

    subject: str
    name: str
    role: Role | None


class OidcProvider:
    """The provider of the settings.

    Parameters
    ----------
    settings : who it is, and who gets which role
    clock : the present moment, with its time zone
    environment : holds the secret

    Raises
    ------
    ConfigError
        When the secret or the libraries are missing.
    """

    def __init__(
        self,
        settings: Oidc,
        clock: Callable[[], datetime],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        require_extra("sign-in", "people.oidc")
        secret = environment.get(settings.client_secret_env, "")
        if not secret:
            raise ConfigError(
                f"people.oidc: the variable {settings.client_secret_env} of the environment holds"
                " no secret. Set it, or name another one as people.oidc.client_secret_env."
            )
        self._settings = settings
        self._secret = secret
        self._clock = clock
        self._lock = Lock()
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: Any = None

    def begin(self, return_address: str, next_path: str) -> tuple[str, Journey]:
        """The provider's address to send a browser to, and what the browser keeps meanwhile.

        Raises
        ------
        ProviderFailed
            When the provider cannot be reached or is another one than the settings say.
        """
        journey = Journey(
            state=new_token(), nonce=new_token(), verifier=new_token(), next_path=next_path
        )
        endpoint = self._endpoint("authorization_endpoint")
        with self._client(return_address) as client:
            address, _ = client.create_authorization_url(
                endpoint,
                state=journey.state,
                code_verifier=journey.verifier,
                nonce=journey.nonce,
            )
        return str(address), journey

    def finish(self, return_address: str, code: str, journey: Journey) -> ProvidedPerson:
        """Who has come back with a code.

        Raises
        ------
        ProviderFailed
            When the provider does not take the code, or what it says cannot be believed.
        """
        id_token = self._id_token(return_address, code, journey)
        claims = self._claims(id_token, journey.nonce)
        return ProvidedPerson(
            subject=f"{self._settings.issuer} {claims['sub']}",
            name=self._name(claims),
            role=self._role(claims),
        )

    def _id_token(self, return_address: str, code: str, journey: Journey) -> str:
        from authlib.common.errors import AuthlibBaseError
        from requests import RequestException

        endpoint = self._endpoint("token_endpoint")
        try:
            with self._client(return_address) as client:
                answer = client.fetch_token(
                    endpoint,
                    code=code,
                    code_verifier=journey.verifier,
                    grant_type="authorization_code",
                    timeout=SECONDS,
                    allow_redirects=False,
                )
        except (AuthlibBaseError, RequestException, ValueError) as error:
            raise ProviderFailed(f"The code was not taken: {type(error).__name__}.") from error
        id_token = answer.get("id_token")
        if not isinstance(id_token, str):
            raise ProviderFailed("There is no ID token in the provider's answer.")
        return id_token

    def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        """What an ID token says, once all of OpenID Connect Core, 3.1.3.7, holds."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        registry = jwt.JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            token = self._decoded(id_token)
            registry.validate(token.claims)
        except (JoseError, ValueError) as error:
            raise ProviderFailed(f"The ID token is not valid: {type(error).__name__}.") from error
        claims: dict[str, Any] = token.claims
        audience = claims["aud"]
        is_shared = isinstance(audience, list) and len(audience) > 1
        if ("azp" in claims or is_shared) and claims.get("azp") != self._settings.client_id:
            raise ProviderFailed("The ID token was made for another program.")
        return claims

    def _decoded(self, id_token: str) -> Any:
        """An ID token whose signature is the provider's; its keys are read anew once if need be."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        is_fresh = self._keys is None
        try:
            return jwt.decode(id_token, self._key_set(anew=is_fresh), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            if is_fresh:
                raise
        return jwt.decode(id_token, self._key_set(anew=True), algorithms=ALGORITHMS)

    def _name(self, claims: Mapping[str, Any]) -> str:
        candidates = (claims.get(self._settings.name_claim), claims.get("name"), claims["sub"])
        for candidate in candidates:
            try:
                return usable_name(str(candidate or "")[:MOST_CHARACTERS])
            except ConfigError:
                continue
        raise ProviderFailed("The ID token names nobody.")

    def _role(self, claims: Mapping[str, Any]) -> Role | None:
        """The highest role that what the provider says of somebody gives them."""
        claim = claims.get(self._settings.role_claim)
        values = set(map(str, claim)) if isinstance(claim, list) else {str(claim)}
        if claim is None or (
            self._settings.role_claim == "email" and claims.get("email_verified") is not True
        ):
            values = set()
        for role in reversed(ROLES):
            allowed = set(getattr(self._settings.roles, role))
            if EVERYBODY in allowed or allowed & values:
                return role
        return None

    def _client(self, return_address: str) -> Any:
        from authlib.integrations.requests_client import OAuth2Session

        return OAuth2Session(
            self._settings.client_id,
            self._secret,
            scope=SCOPE,
            redirect_uri=return_address,
            code_challenge_method="S256",
        )

    def _endpoint(self, name: str) -> str:
        address = self._provider_metadata().get(name)
        if not isinstance(address, str) or not is_safe_address(address):
            raise ProviderFailed(f"The provider names no {name} that can be used.")
        return address

    def _provider_metadata(self) -> dict[str, Any]:
        with self._lock:
            moment = time.monotonic()
            if self._metadata is None or moment - self._metadata[0] > METADATA_SECONDS:
                metadata = _document(self._settings.issuer.rstrip("/") + DISCOVERY)
                if metadata.get("issuer") != self._settings.issuer:
                    raise ProviderFailed("The provider is another issuer than people.oidc.issuer.")
                self._metadata = moment, metadata
            return self._metadata[1]

    def _key_set(self, *, anew: bool) -> Any:
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        if anew:
            try:
                self._keys = KeySet.import_key_set(_document(self._endpoint("jwks_uri")))  # type: ignore[arg-type]
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise ProviderFailed("The provider's keys cannot be read.") from error
        return self._keys


def is_safe_address(address: str) -> bool:
    """Whether what is sent there can be read by nobody else: by https, or on this machine."""
    parts = urlsplit(address)
    is_own = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    return parts.scheme == "https" or (parts.scheme == "http" and is_own)


def _document(address: str) -> dict[str, Any]:
    import requests

    try:
        answer = requests.get(address, timeout=SECONDS, allow_redirects=False)
        answer.raise_for_status()
        document = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise ProviderFailed(f"The provider does not answer: {type(error).__name__}.") from error
    if answer.status_code != 200 or not isinstance(document, dict):
        raise ProviderFailed("The provider does not answer with a document.")
    return document
