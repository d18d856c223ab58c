"""What production refuses of keys, and of the place where they lie."""

import base64
import hashlib
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters.secrets_file import (
    RELOAD_INTERVAL,
    SecretsNotUsable,
    WatchedSecrets,
    load_or_make_secrets,
)
from tests.support.fakes.clock import MovableClock
from tests.support.secrets_files import change_secrets, made_secrets, read_secrets

PROJECT: Final = Path(__file__).parents[2]
LISTS: Final = ("otp_keys", "seal_keys", "refresh_keys")
WEAK: Final = {
    "zeros": bytes(32),
    "one byte": b"\xa5" * 32,
    "few bytes": bytes(range(15)) * 3,
    "a count": bytes(range(32)),
    "a count down": bytes(range(255, 223, -1)),
    "a step": bytes(range(0, 256, 8)),
    "words": b"correct horse battery staple, or so they say",
    "a name": b"this-is-the-one-key-of-our-production",
    "a word again": b"changeme" * 4,
}
PUBLISHED: Final = {
    "RFC 6979 A.2.5": "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
    "RFC 7515 A.3": "8E9B109E719098BF980487DF1F5D77E9CB29606EBED2263B5F57C213DF84F4B2",
    "RFC 7517 A.2": "F3BD0C07A81FB932781ED52752F60CC89A6BE5E51934FE01938DDB55D8F77801",
    "jwt.io": "7AF6732F581D005AFCF216F6385FF6371029242CC60840DD7D2A7A5503B7D21C",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "etc" / "secrets.json"
    made_secrets(path)
    path.parent.chmod(0o755)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(SecretsNotUsable) as refused:
        load_or_make_secrets(path, may_make=False, is_strict=True)
    return str(refused.value)


def text_of(key: bytes) -> str:
    return base64.b64encode(key).decode()


def pem_of(number: int) -> str:
    key = derive_private_key(number, SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def put(path: Path, name: str, key: str) -> str:
    """Have this be the list's first key; gives what it is called in refusals."""

    def change(document: dict[str, list[dict[str, str]]]) -> None:
        document[name][0]["key"] = key

    change_secrets(path, change)
    return f'"{name}[0].key"'


def test_what_a_first_start_made_is_taken(path: Path) -> None:
    assert load_or_make_secrets(path, may_make=False, is_strict=True) == read_secrets(path)


def test_random_keys_are_taken_however_they_were_written(path: Path) -> None:
    random = hashlib.sha256(b"seed").digest()
    for key in (
        random,
        random.hex().encode(),
        text_of(random).encode(),
        random.hex().encode() + b"\n",
    ):
        put(path, "otp_keys", text_of(key))
        load_or_make_secrets(path, may_make=False, is_strict=True)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("kind", WEAK)
def test_a_key_that_is_not_random_is_refused(path: Path, name: str, kind: str) -> None:
    key = WEAK[kind][:32] if name == "seal_keys" else WEAK[kind]

    told = put(path, name, text_of(key))

    assert f"{told} is not random" in refusal(path)
    assert text_of(key) not in refusal(path)
    read_secrets(path)  # development takes it


def test_a_weak_index_key_is_refused(path: Path) -> None:
    change_secrets(path, lambda document: document["index_key"].update(key=text_of(bytes(32))))

    assert '"index_key.key" is not random' in refusal(path)


def test_an_older_key_is_looked_at_as_well(path: Path) -> None:
    entry = {"id": "0000000a", "not_before": "2026-05-01T09:30:00Z", "key": text_of(bytes(32))}
    change_secrets(path, lambda document: document["otp_keys"].append(entry))

    assert '"peppers[1].key" is not random' in refusal(path)


@pytest.mark.parametrize("number", [1, 2**128, int.from_bytes(bytes(range(32)))])
def test_a_signing_key_that_can_be_guessed_is_refused(path: Path, number: int) -> None:
    assert f"{put(path, 'signing_keys', pem_of(number))} is not random" in refusal(path)


@pytest.mark.parametrize("source", PUBLISHED)
def test_a_signing_key_that_everybody_can_read_is_refused(path: Path, source: str) -> None:
    told = put(path, "signing_keys", pem_of(int(PUBLISHED[source], 16)))

    assert f"{told} is an example that was published" in refusal(path)


def test_one_key_in_two_places_is_refused(path: Path) -> None:
    change_secrets(
        path, lambda document: document["otp_keys"][0].update(key=document["seal_keys"][0]["key"])
    )

    assert '"peppers[0]" and "seal_keys[0]" hold one key' in refusal(path)


def test_one_signing_key_under_two_ids_is_refused(path: Path) -> None:
    change_secrets(
        path,
        lambda document: document["signing_keys"].append(
            document["signing_keys"][0] | {"id": "0000000a"}
        ),
    )

    assert '"signing_keys[0]" and "signing_keys[1]" hold one key' in refusal(path)


def test_no_key_that_the_documents_show_is_taken(path: Path) -> None:
    shown = [
        key
        for document in (PROJECT / "docs").glob("*.md")
        for key in re.findall(r"\b[A-Za-z0-9+/]{43}=", document.read_text())
    ]

    assert shown
    for key in shown:
        put(path, "otp_keys", key)
        assert "is not random" in refusal(path)


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777, 0o1777])
def test_a_folder_that_others_may_write_to_is_refused_with_the_way_out(
    path: Path, mode: int
) -> None:
    path.parent.chmod(mode)

    assert refusal(path).endswith(f": chmod go-w {path.parent}")
    read_secrets(path)  # development takes it


def test_a_file_that_others_can_read_is_refused_as_everywhere(path: Path) -> None:
    path.chmod(0o644)

    assert refusal(path).endswith(f": chmod 600 {path}")


@pytest.mark.parametrize("place", ["file", "folder"])
def test_what_belongs_to_another_user_is_refused(
    path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = path if place == "file" else path.parent
    stat, me = Path.stat, os.geteuid()

    def of_another(self: Path, **options: bool) -> os.stat_result:
        status = stat(self, **options)
        user = me + 1 if self == refused else me
        return os.stat_result((*status[:4], user, *status[5:]))

    monkeypatch.setattr(Path, "stat", of_another)

    told = refusal(path)

    assert told.startswith(f"{refused} belongs to another user")
    assert f"number {me}" in told


def test_what_belongs_to_root_is_taken(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = Path.stat

    def of_root(self: Path, **options: bool) -> os.stat_result:
        status = stat(self, **options)
        return os.stat_result((*status[:4], 0, *status[5:]))

    monkeypatch.setattr(Path, "stat", of_root)

    load_or_make_secrets(path, may_make=False, is_strict=True)


def test_a_weak_key_that_comes_while_it_runs_is_not_used_either(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = MovableClock(datetime.now(UTC) + timedelta(seconds=1))
    watched = WatchedSecrets(path, clock, may_make=False, is_strict=True)
    before = watched.current()
    put(path, "otp_keys", text_of(bytes(32)))

    clock.advance(RELOAD_INTERVAL)

    assert watched.current() is before
    assert '"peppers[0].key" is not random' in caplog.text


def test_a_folder_that_is_closed_again_while_it_runs_is_enough(path: Path) -> None:
    clock = MovableClock(datetime.now(UTC) + timedelta(seconds=1))
    watched = WatchedSecrets(path, clock, may_make=False, is_strict=True)
    change_secrets(path, lambda document: document["otp_keys"][0].update(id="0123abcd"))
    path.parent.chmod(0o777)
    clock.advance(RELOAD_INTERVAL)
    assert watched.current().otp_keys[0].id != "0123abcd"

    path.parent.chmod(0o755)
    clock.advance(RELOAD_INTERVAL)

    assert watched.current().otp_keys[0].id == "0123abcd"
