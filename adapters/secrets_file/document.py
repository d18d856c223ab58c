"""Reading the JSON of the secrets file."""

import base64
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from adapters.secrets_file.secrets import Secrets
from application.ports.key_ring import Key

VERSION: Final = 1
KEY_BYTES: Final = 32
"""What AES-256 takes, and the least that HMAC-SHA256 should get (RFC 2104 §3)."""
_REFRESH_KEY: Final = b"dialtone refresh key"
_ID: Final = re.compile(r"[0-9a-f]{8}")


class DocumentWrong(Exception):
    """What is wrong with the document, and where: a phrase without a key in it."""


def parse_document(text: str) -> Secrets:
    """Read the text of a secrets file.

    Raises:
        DocumentWrong
    """
    return secrets_of(read_members(text))


def read_members(text: str) -> dict[str, Any]:
    """Read the JSON alone, with whatever it holds besides.

    Raises:
        DocumentWrong
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        # Without its cause, which holds the whole text.
        raise DocumentWrong("it is not JSON") from None
    if not isinstance(document, dict):
        raise DocumentWrong("it is not a JSON object")
    if document.get("version") != VERSION:
        raise DocumentWrong(f'its "version" is not {VERSION}, the one that this program reads')
    return document


def secrets_of(document: dict[str, Any]) -> Secrets:
    """Read the keys.

    Raises:
        DocumentWrong
    """
    index_key = _key(document.get("index_key"), "index_key", _for_hmac)
    has_refresh_keys = "refresh_keys" in document
    return Secrets(
        otp_keys=_list_of(document, "otp_keys", _for_hmac),
        index_key=index_key,
        seal_keys=_list_of(document, "seal_keys", _for_aes),
        signing_keys=_list_of(document, "signing_keys", _for_signing),
        refresh_keys=_list_of(document, "refresh_keys", _for_hmac)
        if has_refresh_keys
        else (_derived(index_key),),
    )


def _derived(index_key: Key) -> Key:
    # Files of earlier versions have no keys for refresh tokens (RFC 5869, whose §3.1 needs no salt
    # where the input is random).
    derived = HKDF(SHA256(), KEY_BYTES, salt=None, info=_REFRESH_KEY).derive(index_key.key)
    return Key(index_key.id, index_key.not_before, derived)


def _list_of(
    document: dict[str, Any], name: str, read_key: Callable[[str, str], bytes]
) -> tuple[Key, ...]:
    entries = document.get(name)
    if not isinstance(entries, list) or not entries:
        raise DocumentWrong(f'"{name}" is missing or empty')
    keys = tuple(_key(one, f"{name}[{at}]", read_key) for at, one in enumerate(entries))
    if len({key.id for key in keys}) < len(keys):
        raise DocumentWrong(f'two entries of "{name}" have one id')
    return keys


def _key(entry: Any, where: str, read_key: Callable[[str, str], bytes]) -> Key:
    if not isinstance(entry, dict):
        raise DocumentWrong(f'"{where}" is missing')
    members = {name: entry.get(name) for name in ("id", "not_before", "key")}
    for name, member in members.items():
        if not isinstance(member, str):
            raise DocumentWrong(f'"{where}.{name}" is missing')
    if not _ID.fullmatch(members["id"] or ""):
        raise DocumentWrong(f'"{where}.id" is not 8 hex digits')
    not_before = _time(members["not_before"] or "", f"{where}.not_before")
    return Key(members["id"] or "", not_before, read_key(members["key"] or "", f"{where}.key"))


def _time(text: str, where: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise DocumentWrong(f'"{where}" is not a time like 2026-05-01T09:30:00Z') from None
    if time.tzinfo is None:
        raise DocumentWrong(f'"{where}" does not end with Z or an offset')
    return time


def _bytes(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise DocumentWrong(f'"{where}" is not base64') from None


def _for_hmac(text: str, where: str) -> bytes:
    key = _bytes(text, where)
    if len(key) < KEY_BYTES:
        raise DocumentWrong(f'"{where}" is too short: it has less than {KEY_BYTES} bytes')
    return key


def _for_aes(text: str, where: str) -> bytes:
    key = _bytes(text, where)
    if len(key) != KEY_BYTES:
        raise DocumentWrong(f'"{where}" is too short or too long: it has not {KEY_BYTES} bytes')
    return key


def _for_signing(text: str, where: str) -> bytes:
    pem = text.encode(errors="replace")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise DocumentWrong(f'"{where}" is not a private key on P-256 in PEM')
    return pem
