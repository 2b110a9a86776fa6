"""Files that only the holder of a key can open: folders as one encrypted archive."""

# The format is age (https://age-encryption.org/v1), written by pyrage; any tool that knows it
# opens these files: `age --decrypt --identity KEY FILE | tar --extract`.

import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from features.errors import ConfigError
from features.libraries.extras import require_extra
from serving.privacy.hash_keys import OWNER_ONLY

if TYPE_CHECKING:
    from pyrage.x25519 import Identity, Recipient

ENDING = ".age"
_SECRET = "AGE-SECRET-KEY-"  # noqa: S105


def make_identity(file: Path) -> str:
    """Write a new secret key, readable by its owner alone; returns the public key.

    Raises
    ------
    ConfigError
        When there is such a file already, or it cannot be written.
    """
    require_extra("encryption", "Sealing files")
    from pyrage import x25519

    identity = x25519.Identity.generate()
    public = str(identity.to_public())
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with os.fdopen(opened, "w", encoding="ascii") as key:
            key.write(f"# public key: {public}\n{identity}\n")
    except FileExistsError:
        raise ConfigError(f"{file}: is there already, and may be the only key to files.") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written ({error}).") from None
    return public


def recipients_of(texts: Sequence[str]) -> "list[Recipient]":
    """Public keys as they are typed.

    Raises
    ------
    ConfigError
        When one is none.
    """
    require_extra("encryption", "Sealing files")
    from pyrage import RecipientError, x25519

    try:
        return [x25519.Recipient.from_str(text.strip()) for text in texts]
    except RecipientError:
        raise ConfigError(
            "A recipient is a public key such as age1…, as `regulars sealing-key` prints it."
        ) from None


def seal(folder: Path, file: Path, recipients: "Sequence[Recipient]") -> None:
    """Write `folder` as one archive that only the recipients can open; `file` appears whole.

    Raises
    ------
    ConfigError
        When the file cannot be written.
    """
    from pyrage import encrypt_io

    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as aside:
            packed = Path(aside) / "archive.tar"
            with tarfile.open(packed, "w") as archive:
                archive.add(folder, arcname=".")
            with packed.open("rb") as plain, unfinished.open("wb") as closed:
                encrypt_io(plain, closed, recipients)
        unfinished.replace(file)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written ({error}).") from None
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def unsealed(file: Path, identity_file: Path) -> Iterator[Path]:
    """The folder that was sealed, for as long as the block runs; nothing of it stays.

    Raises
    ------
    ConfigError
        When the key does not open the file, or it is not as it was made.
    """
    identity = _identity(identity_file)
    with TemporaryDirectory(prefix="regulars-unsealed-") as aside:
        packed, folder = Path(aside) / "archive.tar", Path(aside) / "folder"
        _decrypt(file, packed, identity, identity_file)
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
        packed.unlink()
        yield folder


def _decrypt(file: Path, plain: Path, identity: "Identity", identity_file: Path) -> None:
    from pyrage import DecryptError, decrypt_io

    try:
        closed = file.open("rb")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be opened ({error}).") from None
    with closed, plain.open("wb") as opened:
        try:
            decrypt_io(closed, opened, [identity])
        # where the stream ends too early or a part of it was changed, pyrage raises an OSError
        except (DecryptError, OSError):
            raise ConfigError(
                f"{file}: {identity_file} does not open it, or it is not as it was made."
            ) from None


def _identity(file: Path) -> "Identity":
    require_extra("encryption", "Opening sealed files")
    from pyrage import IdentityError, x25519

    try:
        lines = file.read_text(encoding="ascii").splitlines()
        secret = next(line for line in lines if line.startswith(_SECRET))
        return x25519.Identity.from_str(secret.strip())
    except (OSError, ValueError, StopIteration, IdentityError):
        raise ConfigError(f"{file}: holds no secret key ({_SECRET}…).") from None
