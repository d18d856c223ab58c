"""A service whose keys are in Vault: its start, its commands, and a change of the index key."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from adapters.keys.document import generate_entry
from application.ports.keys import KeyPurpose
from pytest_dialtone.examples.vault_keys.server import PATH, TOKEN, VaultServer
from tests.e2e.test_start import me, sign_in
from tests.support.forked_service import ForkedService
from tests.support.markdown import PROJECT
from tests.support.plain_http import PLAIN_HTTP

FACTORY = "pytest_dialtone.examples.vault_keys:open_vault_keys"
PHONE = "+14155592001"


@pytest.fixture
def vault() -> Iterator[VaultServer]:
    with VaultServer() as server:
        yield server


@pytest.fixture
def service(tmp_path: Path, vault: VaultServer) -> ForkedService:
    environ = {
        "DIALTONE_SECRETS": FACTORY,
        "DIALTONE_SECRETS_FILE": "",
        "PYTHONPATH": str(PROJECT),
        **vault.environ,
    }
    return ForkedService(tmp_path, environ)


def test_the_keys_come_from_vault_and_no_file_has_them(
    service: ForkedService, vault: VaultServer
) -> None:
    assert FACTORY in service.run("check-settings").stdout
    checked = service.run("check-settings", "--connect")
    assert "keys" in checked.stdout
    assert checked.returncode == 0, checked.stdout
    service.start()
    token = sign_in(service, PHONE)
    assert me(service, token) == 404
    (signing,) = vault.secrets[f"/v1/{PATH}"]["signing"]
    with httpx.Client(base_url=service.url, **PLAIN_HTTP) as http:
        assert [key["kid"] for key in http.get("/.well-known/jwks.json").json()["keys"]] == [
            signing["id"]
        ]
        assert http.get("/health/ready").json()["keys"] == "ok"
    listed = service.run("list-keys").stdout
    assert f"signing           {signing['id']}  {signing['not_before']}  in use\n" in listed
    rotated = service.run("rotate-keys")
    assert rotated.returncode == 1
    assert f"no command can change the keys of {FACTORY}" in rotated.stderr
    assert service.stop() == 0

    assert not list(service.folder.rglob("secrets.json"))
    for text in (service.log, listed, checked.stdout, rotated.stderr):
        assert TOKEN not in text
        assert signing["key"].splitlines()[1] not in text


def test_a_start_without_all_keys_fails_and_names_the_purpose(
    service: ForkedService, vault: VaultServer
) -> None:
    del vault.secrets[f"/v1/{PATH}"]["refresh"]
    failed = service.run("run")
    assert failed.returncode == 1
    assert failed.stderr.startswith("DIALTONE_SECRETS: There are no keys of ")
    assert '"refresh" is missing' in failed.stderr

    vault.begin_failure("503")
    assert "because Vault answers with status 503." in service.run("run").stderr


def test_the_index_key_changes_to_the_newer_one_of_vault(
    service: ForkedService, vault: VaultServer
) -> None:
    service.start()
    token = sign_in(service, PHONE)
    assert service.stop() == 0
    index_keys = vault.secrets[f"/v1/{PATH}"]["phone_index"]
    assert "has no new index key" in service.run("rotate-index-key").stderr

    (old,), now = index_keys, datetime.now(UTC)
    old["not_before"] = "2026-01-01T00:00:00Z"
    new = generate_entry(KeyPurpose.PHONE_INDEX, now)
    index_keys.append(new)
    assert "more than one key" in service.run("run").stderr
    for _ in range(2):  # it may be repeated
        changed = service.run("rotate-index-key")
        assert changed.returncode == 0, changed.stderr
        assert f"phone_index: {new['id']} is used from now on" in changed.stdout
        assert f"remove the key {old['id']}" in changed.stdout

    index_keys.remove(old)
    service.start()
    assert me(service, token) == 404
    assert me(service, sign_in(service, PHONE)) == 404
    assert service.stop() == 0
    vault.secrets[f"/v1/{PATH}"]["phone_index"] = [json.loads(json.dumps(old))]
    assert "was written with other keys" in service.run("run").stderr
