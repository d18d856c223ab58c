"""Keys and secrets files for tests."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters.security.jwt import JwtAccessTokens
from adapters.security.keys.document import KeysByPurpose
from adapters.security.keys.keys import load_secrets_file
from application.ports.keys import Key
from domain.token_issuers import TokenIssuers
from tests.support.fakes.clock import MovableClock

FIRST_KEY: Final = ("first", bytes(range(32)))


class FakeKeyRing:
    """Keys by id, newest first. The first signs, or the one that `signs` names."""

    def __init__(self, *keys: tuple[str, bytes], signs: str | None = None) -> None:
        self.change(*keys or [FIRST_KEY], signs=signs)

    def change(self, *keys: tuple[str, bytes], signs: str | None = None) -> None:
        self._keys = tuple(Key(key_id, MovableClock().now(), key) for key_id, key in keys)
        self._signs = signs or self._keys[0].id

    def signing(self) -> Key:
        return next(key for key in self._keys if key.id == self._signs)

    def accepted(self) -> Sequence[Key]:
        return self._keys


@cache
def access_tokens(key: int = 1) -> JwtAccessTokens:
    """Return tokens that are signed with a different key for each number."""
    signing = FakeKeyRing(("0000000a", to_pem(private_key(key))))
    secrets = FakeKeyRing(("0000000a", bytes([key]) * 32))
    return JwtAccessTokens(signing, secrets, issuers=TokenIssuers(), audience="app")


@cache
def private_key(number: int = 1) -> EllipticCurvePrivateKey:
    """Return a different P-256 key for each number, generated once per test run."""
    return generate_private_key(SECP256R1())


def to_pem(key: EllipticCurvePrivateKey) -> bytes:
    """Return the private key as PKCS #8 in PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def create_secrets_file(path: Path) -> KeysByPurpose:
    """Create the file as a first start does."""
    return load_secrets_file(path, create_missing=True).keys


def load_keys(path: Path) -> KeysByPurpose:
    """Load the keys of an existing file."""
    return load_secrets_file(path).keys


def edit_secrets_file(path: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Edit the document in place, as an operator does."""
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))
