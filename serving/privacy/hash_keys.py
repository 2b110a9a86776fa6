"""Secrets that ids are hashed with: each in a file of its own, made once."""

import hmac
import os
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from features.errors import ConfigError

KEY_BYTES = 32
OWNER_ONLY = 0o600


def make_key(path: Path) -> None:
    """Write a new secret, readable by its owner alone, where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    opened = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(opened, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES))
    try:
        # whole or not at all, and whoever comes first has made it
        os.link(unfinished, path)
    except FileExistsError:
        return
    finally:
        unfinished.unlink()


@dataclass(frozen=True)
class PseudonymKey:
    """The secret of the pseudonyms; whoever has it and an id knows the pseudonym."""

    secret: bytes

    @classmethod
    def at(cls, path: Path) -> "PseudonymKey":
        """The key in a file, which is made where there is none.

        Raises
        ------
        ConfigError
            When it cannot be read or written.
        """
        try:
            make_key(path)
            return cls(bytes.fromhex(path.read_text(encoding="ascii").strip()))
        except (OSError, ValueError) as error:
            kind = type(error).__name__
            raise ConfigError(f"store.pseudonym_key: {path} cannot be used ({kind}).") from None

    def pseudonym(self, customer_id: str) -> str:
        """32 hexadecimal digits of the HMAC."""
        return hmac.new(self.secret, customer_id.encode(), sha256).hexdigest()[:32]
