"""`dialtone rotate-index-key` and `dialtone reencrypt-phones` on a service that people use."""

from pathlib import Path

import httpx
import jwt

from application.ports.keys import KeyPurpose
from tests.e2e.test_start import me, sign_in
from tests.support.forked_service import ForkedService
from tests.support.keys import edit_secrets_file, load_keys
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import REASON

PHONE, BLOCKED = "+14155592001", "+14155592002"


def subject_of(token: str) -> object:
    return jwt.decode(token, options={"verify_signature": False})["sub"]


def test_the_index_key_changes_while_the_service_is_stopped(tmp_path: Path) -> None:
    service, path = ForkedService(tmp_path), tmp_path / "secrets.json"
    service.start()
    token = sign_in(service, PHONE)
    assert service.run("user", "block", BLOCKED, *REASON).returncode == 0
    before = path.read_bytes()

    while_running = service.run("rotate-index-key")
    assert while_running.returncode == 1
    assert "stop the service" in while_running.stderr
    assert path.read_bytes() == before

    assert service.stop() == 0
    (old_key,) = load_keys(path)[KeyPurpose.PHONE_INDEX]
    changed = service.run("rotate-index-key")
    assert changed.returncode == 0, changed.stderr
    (new_key,) = load_keys(path)[KeyPurpose.PHONE_INDEX]
    assert new_key != old_key
    assert new_key.id in changed.stdout
    assert "kept: 2" in changed.stdout

    service.start()
    assert me(service, token) == 404
    with httpx.Client(base_url=service.url, **PLAIN_HTTP, timeout=20) as http:
        http.post("/auth/request-otp", json={"phone": PHONE})
        body = {"phone": PHONE, "otp": service.code(PHONE, 2)}
        second = http.post("/auth/verify-otp", json=body).json()["access_token"]
    assert subject_of(second) == subject_of(token)
    assert "is not blocked now" in service.run("user", "unblock", BLOCKED, *REASON).stdout
    assert service.stop() == 0


def test_an_encryption_key_can_be_removed_after_its_phones_were_encrypted_again(
    tmp_path: Path,
) -> None:
    service, path = ForkedService(tmp_path), tmp_path / "secrets.json"
    service.start()
    token = sign_in(service, PHONE)

    def activate(document: dict[str, list[dict[str, str]]]) -> None:
        new, old = document["phone_encryption"]
        new["not_before"], old["not_before"] = "2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"

    def remove_old(document: dict[str, list[dict[str, str]]]) -> None:
        del document["phone_encryption"][1:]

    assert service.run("rotate-keys").returncode == 0
    edit_secrets_file(path, activate)
    former = load_keys(path)[KeyPurpose.PHONE_ENCRYPTION][1]
    reencrypted = service.run("reencrypt-phones")
    assert reencrypted.returncode == 0, reencrypted.stderr
    assert reencrypted.stdout.splitlines() == [
        "phones encrypted again: 1",
        f"keys of phone_encryption that no record uses anymore: {former.id}",
    ]

    assert service.stop() == 0
    edit_secrets_file(path, remove_old)
    service.start()
    assert me(service, token) == 404
    assert service.stop() == 0
