"""The keys in a secret of Vault's key-value store, version 2.

The secret has the members of a secrets file, so that `dialtone keys generate -` makes it.
"""

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from adapters.http import (
    ConnectionFailed,
    HttpResponse,
    NoResponse,
    Timeouts,
    Transport,
    open_transport,
)
from adapters.keys.document import FORMAT_VERSION, parse_document
from adapters.keys.rules import InvalidKeys
from application.ports.errors import ConfigurationError, KeySourceUnavailable
from application.ports.keys import Key, KeyPurpose
from pytest_dialtone.examples.provider_failures import ProviderFailures

_TIMEOUTS: Final = Timeouts(connect=2, read=5, total=7)
"""Shorter than the time of the port, so that the error says what happened."""
_TOKEN: Final = re.compile(r"[!-~]+")


class VaultKeys(ProviderFailures):
    """Read the keys at each call. Nothing is kept."""

    def __init__(self, transport: Transport, environ: Mapping[str, str]) -> None:
        """Take the settings from the environment."""
        self._transport = transport
        self._url = environ["VAULT_ADDR"].rstrip("/")
        self._path = _find_path(environ)
        self._token = environ.get("VAULT_TOKEN", "")
        self._token_file = environ.get("VAULT_TOKEN_FILE", "")
        self._namespace = environ.get("VAULT_NAMESPACE", "")

    async def load(self) -> Mapping[KeyPurpose, Sequence[Key]]:
        response = await self._request("GET")
        if response.status != 200:
            raise KeySourceUnavailable(f"Vault answers with status {response.status}")
        try:
            members = json.loads(response.text)["data"]["data"]
            # Two index keys: the service knows whether that is right.
            return parse_document(json.dumps(members), max_index_keys=2).keys
        except InvalidKeys as error:
            raise KeySourceUnavailable("the keys in Vault are invalid", str(error)) from None
        except (ValueError, TypeError, LookupError, RecursionError):
            # Without the cause, which has the text.
            raise KeySourceUnavailable("the response of Vault has no secret") from None

    async def _request(self, method: str, content: bytes | None = None) -> HttpResponse:
        headers = {"X-Vault-Token": await self._read_token()}
        if self._namespace:
            headers["X-Vault-Namespace"] = self._namespace
        try:
            return await self._transport.request(
                method, f"{self._url}{self._path}", content=content, headers=headers
            )
        except ConnectionFailed as error:
            raise KeySourceUnavailable("Vault cannot be reached", error.reason) from None
        except NoResponse as error:
            raise KeySourceUnavailable("Vault did not respond", error.details) from None

    async def _read_token(self) -> str:
        """Return the token. Vault's agent replaces the file before the token in it expires."""
        token = self._token
        if self._token_file:
            try:
                token = await asyncio.to_thread(Path(self._token_file).read_text, "ascii")
            except (OSError, ValueError):
                raise KeySourceUnavailable("the file VAULT_TOKEN_FILE cannot be read") from None
        token = token.strip()
        if not _TOKEN.fullmatch(token):
            raise KeySourceUnavailable("what should be the token of Vault is none")
        return token

    async def store_keys(self, keys: Mapping[KeyPurpose, Sequence[Key]]) -> None:
        """Replace the secret, for the contract tests."""
        lists = {purpose.value: [*map(_to_entry, listed)] for purpose, listed in keys.items()}
        content = json.dumps({"data": {"version": FORMAT_VERSION, **lists}}).encode()
        response = await self._request("POST", content)
        if response.status != 200:
            raise KeySourceUnavailable(f"Vault answers with status {response.status}")


def _to_entry(key: Key) -> dict[str, str]:
    is_pem = key.key.startswith(b"-----BEGIN ")
    text = key.key.decode() if is_pem else base64.b64encode(key.key).decode()
    return {"id": key.id, "not_before": key.not_before.isoformat(), "key": text}


def _find_path(environ: Mapping[str, str]) -> str:
    path = f"/v1/{environ['VAULT_SECRET_PATH'].strip('/')}"
    if place := environ.get("DIALTONE_TEST_PLACE"):
        path += f"-test-{hashlib.sha256(place.encode()).hexdigest()[:16]}"
    return path


@asynccontextmanager
async def open_vault_keys(*, environ: Mapping[str, str]) -> AsyncIterator[VaultKeys]:
    """Open the source, which keeps a connection until the block ends."""
    for variable in ("VAULT_ADDR", "VAULT_SECRET_PATH"):
        if not environ.get(variable):
            raise ConfigurationError(f"{variable} is not set. See docs/key_sources.md.")
    if bool(environ.get("VAULT_TOKEN")) == bool(environ.get("VAULT_TOKEN_FILE")):
        raise ConfigurationError("Set either VAULT_TOKEN or VAULT_TOKEN_FILE, not both or none.")
    async with open_transport(_TIMEOUTS) as transport:
        yield VaultKeys(transport, environ)
