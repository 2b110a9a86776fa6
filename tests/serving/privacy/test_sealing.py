"""Sealed files: opened by their key alone, whole or not at all."""

import pytest
from click.testing import CliRunner

from features.errors import ConfigError
from serving.commands.main import main
from serving.privacy.sealing import make_identity, recipients_of, seal, unsealed


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "plain"
    (place / "deep").mkdir(parents=True)
    (place / "deep" / "names.txt").write_text("Ann of Bristol\n" * 1_000)
    return place


def test_only_the_key_opens_what_was_sealed(folder, tmp_path):
    public = make_identity(tmp_path / "key.txt")
    make_identity(tmp_path / "other.txt")
    sealed = tmp_path / "sealed.age"
    seal(folder, sealed, recipients_of([public]))
    assert b"Bristol" not in sealed.read_bytes()
    assert sealed.read_bytes().startswith(b"age-encryption.org/v1")
    with unsealed(sealed, tmp_path / "key.txt") as opened:
        assert (opened / "deep" / "names.txt").read_text() == "Ann of Bristol\n" * 1_000
        place = opened
    assert not place.exists()
    with (
        pytest.raises(ConfigError, match="does not open it"),
        unsealed(sealed, tmp_path / "other.txt"),
    ):
        pass


def test_a_sealed_file_that_was_changed_is_refused(folder, tmp_path):
    public = make_identity(tmp_path / "key.txt")
    sealed = tmp_path / "sealed.age"
    seal(folder, sealed, recipients_of([public]))
    whole = sealed.read_bytes()
    for broken in (whole[:-1], whole[:-100] + bytes(100), b"nonsense"):
        sealed.write_bytes(broken)
        with (
            pytest.raises(ConfigError, match="not as it was made"),
            unsealed(sealed, tmp_path / "key.txt"),
        ):
            pass


def test_keys_are_made_once_and_read_by_their_owner(tmp_path):
    make_identity(tmp_path / "key.txt")
    assert (tmp_path / "key.txt").stat().st_mode & 0o077 == 0
    with pytest.raises(ConfigError, match="is there already"):
        make_identity(tmp_path / "key.txt")
    with pytest.raises(ConfigError, match="public key such as age1"):
        recipients_of(["age1nonsense"])


def test_a_sealed_file_is_opened_from_the_command_line(folder, tmp_path):
    public = make_identity(tmp_path / "key.txt")
    seal(folder, tmp_path / "sealed.age", recipients_of([public]))
    arguments = ["unseal", str(tmp_path / "sealed.age"), str(tmp_path / "open")]
    without = CliRunner().invoke(main, arguments)
    assert without.exit_code != 0
    done = CliRunner().invoke(main, [*arguments, "--identity", str(tmp_path / "key.txt")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "open" / "deep" / "names.txt").exists()
