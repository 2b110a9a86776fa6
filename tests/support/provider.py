"""A provider of OpenID Connect on loopback: the code flow with PKCE, and what can be wrong in it."""

import base64
import json
import secrets
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from tests.serving.conftest import NOW

CLIENT_ID, CLIENT_SECRET = "regulars", "a secret of the client's, long enough"


@cache
def signing_key(name):
    return RSAKey.generate_key(2048, parameters={"kid": name, "use": "sig", "alg": "RS256"})


@dataclass
class Provider:
    """Who signs in there next, and how the answers are changed.

    `claims` change what the ID token says (None: leaves it out); `signed_by` and `algorithm` how
    it is signed; `issuer_told` is what the provider says of itself.
    """

    address: str = ""
    issuer_told: str = ""
    user: dict = field(default_factory=dict)
    claims: dict = field(default_factory=dict)
    key: str = "first"
    signed_by: object = None
    algorithm: str = "RS256"
    codes: dict = field(default_factory=dict)

    def metadata(self):
        return {
            "issuer": self.issuer_told or self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
        }

    def keys(self):
        return KeySet([signing_key(self.key)]).as_dict(private=False)

    def authorize(self, query):
        """The address that the browser comes back to."""
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT_ID)
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def exchange(self, form, authorization):
        """The tokens for a code, which works once, for who began."""
        begun = self.codes.pop(form.get("code"), None)
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        digest = sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            begun is None
            or pair != f"{CLIENT_ID}:{CLIENT_SECRET}"
            or begun["redirect_uri"] != form.get("redirect_uri")
            or begun["code_challenge"] != challenge
        ):
            return 400, {"error": "invalid_grant"}
        return 200, {
            "access_token": "x",
            "token_type": "Bearer",
            "id_token": self.id_token(begun["nonce"]),
        }

    def id_token(self, nonce):
        moment = int(NOW.timestamp())
        claims = {
            "iss": self.address,
            "aud": CLIENT_ID,
            "iat": moment,
            "exp": moment + 300,
            "nonce": nonce,
            **self.user,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm == "none":
            parts = ({"alg": "none"}, claims)
            coded = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
            return ".".join(part.rstrip(b"=").decode() for part in coded) + "."
        key = self.signed_by or signing_key(self.key)
        header = {"alg": self.algorithm, "kid": self.key}
        return jwt.encode(header, claims, key, algorithms=[self.algorithm])


def secret_key():
    """The client's secret as a key, with which who knows it could sign."""
    return OctKey.import_key(CLIENT_SECRET)


@contextmanager
def running_provider():
    """A provider at work on a free port."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            match parts.path:
                case "/.well-known/openid-configuration":
                    self._answer(200, provider.metadata())
                case "/keys":
                    self._answer(200, provider.keys())
                case _:
                    self._answer(404, {})

        def do_POST(self):
            sent = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(sent).items()}
            self._answer(*provider.exchange(form, self.headers.get("authorization", "")))

        def _answer(self, status, document):
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Tests say enough."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    provider.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
