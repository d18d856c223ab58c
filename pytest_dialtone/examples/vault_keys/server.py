"""Vault's API, as far as the example uses it: a key-value store, version 2.

https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
"""

import json
from email.message import Message
from typing import Any, Final

from adapters.keys.document import generate_document
from pytest_dialtone.examples.provider_server import ProviderAnswer, ProviderServer

TOKEN: Final = "hvs.not-a-real-token"
PATH: Final = "secret/data/dialtone"


class VaultServer(ProviderServer):
    """Begins with the keys of a service. Any path can be written."""

    def __init__(self) -> None:
        """Make the keys."""
        super().__init__()
        self.secrets: dict[str, Any] = {f"/v1/{PATH}": json.loads(generate_document())}

    @property
    def environ(self) -> dict[str, str]:
        return {"VAULT_ADDR": self.url, "VAULT_TOKEN": TOKEN, "VAULT_SECRET_PATH": PATH}

    def answer(self, method: str, path: str, headers: Message, body: bytes) -> ProviderAnswer:
        status, answer = 200, dict[str, Any]()
        if headers.get("X-Vault-Token") != TOKEN:
            status, answer = 403, {"errors": ["permission denied"]}
        elif method in ("POST", "PUT"):
            self.secrets[path] = json.loads(body)["data"]
        elif path in self.secrets:
            answer = {"data": {"data": self.secrets[path], "metadata": {"version": 1}}}
        else:
            status, answer = 404, {"errors": []}
        return ProviderAnswer(status, json.dumps(answer).encode())
