"""`dialtone keys`."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from adapters.security.keys.document import generate_entry
from application.ports.keys import KeyPurpose
from entrypoints.commands.operations.keys import generate
from tests.support.commands import CommandLine
from tests.support.keys import edit_secrets_file, load_keys


def test_phones_are_encrypted_again_and_the_key_that_nothing_uses_is_named(
    dialtone: CommandLine,
) -> None:
    def activate(document: dict[str, list[dict[str, str]]]) -> None:
        new, old = document["phone_encryption"]
        new["not_before"], old["not_before"] = "2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"

    path = dialtone.folder / "secrets.json"
    dialtone.add_user("+14155592001", "Asha Rao")
    assert dialtone.run("keys", "rotate").returncode == 0
    new, _ = load_keys(path)[KeyPurpose.PHONE_ENCRYPTION]
    early = dialtone.run("keys", "reencrypt-phones")
    assert (early.returncode, early.stdout) == (1, "")
    assert f"{new.id} of phone_encryption is not active before {new.not_before:%F}" in early.stderr
    edit_secrets_file(path, activate)
    former = load_keys(path)[KeyPurpose.PHONE_ENCRYPTION][1]

    encrypted = dialtone.run("keys", "reencrypt-phones")

    assert encrypted.stdout.splitlines() == [
        "phones encrypted again: 1",
        f"keys of phone_encryption that no record uses anymore: {former.id}",
    ]
    # With a former key there is something to do before the next one is active.
    next_key = generate_entry(KeyPurpose.PHONE_ENCRYPTION, datetime(2999, 1, 1, tzinfo=UTC))
    edit_secrets_file(path, lambda document: document["phone_encryption"].insert(0, next_key))
    early = dialtone.run("keys", "reencrypt-phones")
    assert (early.returncode, early.stdout) == (1, encrypted.stdout.replace(": 1\n", ": 0\n"))
    assert "is not active before 2999-01-01T00:00:00Z: run this command again" in early.stderr


def test_keys_in_a_variable_are_used_but_not_shown_or_rotated(tmp_path: Path) -> None:
    assert generate.callback is not None
    (line,) = generate.callback("-")
    key = json.loads(line)["refresh"][0]["key"]
    # As somebody may paste it: on several lines.
    secrets = json.dumps(json.loads(line), indent=2)
    command = CommandLine(tmp_path, {"DIALTONE_SECRETS": secrets, "DIALTONE_SECRETS_FILE": ""})

    command.create_database()
    assert command.run("cleanup").returncode == 0
    shown, rotation = command.run("check-settings").stdout, command.run("keys", "rotate")

    assert re.search(r"DIALTONE_SECRETS +\(hidden\)", shown)
    assert rotation.returncode == 1
    assert "run this command with DIALTONE_SECRETS_FILE=FILE" in rotation.stderr
    assert not [*tmp_path.rglob("secrets.json")]
    assert key not in shown + rotation.stderr
