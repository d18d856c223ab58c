"""`dialtone keys reencrypt-phones` on a service that people use."""

from pathlib import Path

from application.ports.keys import KeyPurpose
from tests.support.client import me, sign_in
from tests.support.forked_service import ForkedService
from tests.support.keys import edit_secrets_file, load_keys

PHONE = "+14155592001"


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

    assert service.run("keys", "rotate").returncode == 0
    edit_secrets_file(path, activate)
    former = load_keys(path)[KeyPurpose.PHONE_ENCRYPTION][1]
    reencrypted = service.run("keys", "reencrypt-phones")
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
