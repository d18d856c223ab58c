"""Commands of operators: tokens, passkeys, lists, statistics, keys and backups."""

import asyncio
import csv
import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from adapters.security.keys.document import generate_entry
from application.ports.keys import KeyPurpose
from entrypoints.commands.operations.keys import generate
from entrypoints.composition.use_cases import open_use_cases
from entrypoints.features.statistics import STATISTICS
from tests.support.commands import CommandLine, json_lines
from tests.support.counted_events import accepted, delivered, logged_in, rejected
from tests.support.keys import create_secrets_file, edit_secrets_file, load_keys
from tests.support.service import REASON

# `dialtone admin-token` as an operator uses it


def test_a_token_is_printed_once_and_stored_as_a_hash(dialtone: CommandLine) -> None:

    created = dialtone.run(
        *("admin-token", "create", "--name", "helpdesk", "--reason", "ticket 4711"),
        *("--scope", "users:support,users:read", "--scope", "audit:read"),
    )
    listed = dialtone.run("admin-token", "list")
    (token,) = json_lines(dialtone.run("admin-token", "list", "--json").stdout)

    match = re.fullmatch(r"dta_([0-9a-f]{24})_([0-9a-f]{64})\n", created.stdout)
    assert match is not None, created
    token_id, secret = match.groups()
    assert secret not in created.stderr + listed.stdout + json.dumps(token)
    assert listed.stdout.startswith(f"{token_id}  helpdesk  users:read,users:support,audit:read")
    assert set(token) == {
        "id", "name", "scopes", "created_at", "created_by", "expires_at", "revoked_at",
    }  # fmt: skip
    stored = b"".join(file.read_bytes() for file in dialtone.folder.glob("dialtone.db*"))
    assert secret.encode() not in stored
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in stored
    made_by = token["created_by"]
    assert f" UTC by operator {made_by['id']} (a claim)  expires " in listed.stdout
    (entry,) = json_lines(dialtone.run("audit", token_id, "--json").stdout)
    assert entry["actor"] == made_by
    reason = "helpdesk: users:read, users:support, audit:read. ticket 4711"
    assert (entry["action"], entry["reason"]) == ("create_token", reason)
    revoked = dialtone.run("admin-token", "revoke", token_id, *REASON)
    assert (revoked.returncode, revoked.stdout) == (0, f"Token {token_id} (helpdesk) is revoked.\n")
    assert "  revoked 2" in dialtone.run("admin-token", "list").stdout
    unknown = dialtone.run("admin-token", "revoke", "0" * 24, *REASON)
    assert (unknown.returncode, unknown.stdout) == (1, "")


# The commands about passkeys, and what `check-settings` says of administrators without one

PHONE: Final = "+14155591000"
NAMES: Final = {
    "DIALTONE_WEB_CONSOLE": "yes",
    "DIALTONE_PUBLIC_URL": "http://localhost:8000",
}


def test_an_operator_invites_and_check_settings_names_who_has_none(tmp_path: Path) -> None:
    dialtone = CommandLine(tmp_path, NAMES)
    user_id = dialtone.add_user(PHONE, "Asha Rao")
    refused = dialtone.run("user", "passkey-invite", PHONE, *REASON)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Only staff signs in to the console" in refused.stderr
    dialtone.run("user", "promote", PHONE, *REASON)
    invited = dialtone.run("user", "passkey-invite", PHONE, *REASON)
    assert invited.stdout.startswith("http://localhost:8000/console#")
    assert len(invited.stdout.splitlines()) == 1
    assert dialtone.run("user", "passkeys", PHONE).stdout == "There are no passkeys.\n"
    assert json_lines(dialtone.run("user", "passkeys", PHONE, "--json").stdout) == []
    lost = dialtone.run("user", "passkey-remove", PHONE, "--all", *REASON)
    assert "There is no such passkey" in lost.stderr
    user = json.loads(dialtone.run("user", "show", PHONE, "--json").stdout)
    assert (user["passkeys"], user["staff_passkeys"]) == ([], [])
    entries = json_lines(dialtone.run("audit", PHONE, "--json").stdout)
    assert "invite_passkey" in [entry["action"] for entry in entries]
    checked = dialtone.run("check-settings")
    assert checked.returncode == 0
    assert f"no passkey for the console: {user_id} (administrator)" in checked.stdout
    assert PHONE not in checked.stdout + checked.stderr
    dialtone.run("user", "demote", PHONE, *REASON)
    assert user_id not in dialtone.run("check-settings").stdout


def test_a_link_is_valid_for_a_day_at_most_and_only_with_a_console(tmp_path: Path) -> None:
    dialtone = CommandLine(tmp_path, NAMES)
    dialtone.add_user(PHONE, "Asha Rao")
    dialtone.run("user", "promote", PHONE, *REASON)
    day = dialtone.run("user", "passkey-invite", PHONE, "--expires", "24h", *REASON)
    assert (day.returncode, "once and for 24h" in day.stderr) == (0, True)
    longer = dialtone.run("user", "passkey-invite", PHONE, "--expires", "25h", *REASON)
    assert (longer.returncode, "--expires" in longer.stderr) == (2, True)
    without = CommandLine(tmp_path, {})
    refused = without.run("user", "passkey-invite", PHONE, *REASON)
    assert (refused.returncode, "DIALTONE_WEB_CONSOLE" in refused.stderr) == (1, True)


# `dialtone user list`


def test_users_are_printed_as_json_lines_and_as_csv(dialtone: CommandLine) -> None:
    ids = [dialtone.add_user(f"+1415559000{number}", f"=1+{number}") for number in range(2)]

    lines = dialtone.run("user", "list", *REASON).stdout.splitlines()
    blocked = dialtone.run("user", "list", "--blocked", "true", "--format", "csv", *REASON)
    table = dialtone.run("user", "list", "--format", "csv", "--created-since=2026-01-01", *REASON)
    audit = json_lines(dialtone.run("audit", "--json").stdout)

    users = [json.loads(line) for line in lines]
    assert [user["id"] for user in users] == ids
    rows = [*csv.DictReader(table.stdout.splitlines())]
    assert [row["username"] for row in rows] == ["'=1+0", "'=1+1"]
    assert [row["number"] for row in rows] == [f"'{user['number']}" for user in users]
    assert [*csv.DictReader(blocked.stdout.splitlines())] == []
    assert sorted(entry["count"] for entry in audit if entry["action"] == "list_users") == [0, 2, 2]


# `dialtone statistics`, as an operator uses it


def count_some(dialtone: CommandLine) -> None:
    """Count some messages, as a process that stops after them."""

    async def count() -> None:
        async with open_use_cases(dialtone.settings) as use_cases:
            count = STATISTICS.of(use_cases).count
            events = (*[accepted()] * 3, *[delivered()] * 2, *[logged_in()] * 2, rejected())
            for event in (*events, delivered(country="IN")):
                count.record(event)

    asyncio.run(count())


def test_a_report_has_what_a_stopped_process_counted(dialtone: CommandLine) -> None:
    before = dialtone.run("statistics")
    count_some(dialtone)

    shown = dialtone.run("statistics").stdout.splitlines()
    two = dialtone.run("statistics", "--by", "channel", "--by", "country").stdout.splitlines()
    by_prefix = dialtone.run("statistics", "--by", "prefix").stdout.splitlines()
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    as_json = json.loads(dialtone.run("statistics", "--until", today, "--json").stdout)

    assert before.stdout.splitlines()[1:] == ["Nothing was counted."]
    assert shown[0].startswith("24 hours from 20")
    assert shown[1:] == [
        "country  sent  not taken  delivered  undelivered  logins  rejected",
        "US          3          0          2            0       2         1",
        "IN          0          0          1            0       0         0",
        "total       3          0          3            0       2         1",
        "",
        "rejections by  number",
        "per_ip              1",
    ]
    assert two[0].endswith("by channel and country:")
    assert two[2].split()[:3] == ["sms", "US", "3"]
    assert by_prefix[1:4] == [
        "prefix  sent  not taken  logins",
        "other      3          0       2",
        "total      3          0       2",
    ]
    assert (as_json["period"], as_json["total"]["delivered"]) == ("day", 3)


# `dialtone keys`


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


@pytest.mark.parametrize("is_variable", [False, True], ids=["file", "variable"])
def test_an_older_secrets_file_is_refused_by_each_command(
    dialtone: CommandLine, is_variable: bool
) -> None:
    def activate(document: dict[str, list[dict[str, str]]]) -> None:
        new, old = document["phone_encryption"]
        new["not_before"], old["not_before"] = "2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"

    path = dialtone.folder / "secrets.json"
    dialtone.add_user("+14155592001", "Asha Rao")
    older = path.read_text()
    assert dialtone.run("keys", "rotate").returncode == 0
    newest = load_keys(path)[KeyPurpose.PHONE_ENCRYPTION][0].id
    # One that was never in use may be taken back.
    rotated = path.read_text()
    path.write_text(older)
    assert dialtone.run("cleanup").returncode == 0
    path.write_text(rotated)
    edit_secrets_file(path, activate)
    assert dialtone.run("user", "rename", "Asha Rao", "Asha", "--reason", "test").returncode == 0
    path.write_text(older)
    variables = {"DIALTONE_SECRETS": older, "DIALTONE_SECRETS_FILE": ""} if is_variable else {}
    command = CommandLine(dialtone.folder, variables)

    target = f"sqlite:///{dialtone.folder}/copy.db"
    for line in (
        ("cleanup",),
        ("keys", "reencrypt-phones"),
        ("copy", "--from", f"sqlite:///{dialtone.folder}/dialtone.db", "--to", target),
        ("user", "show", "Asha"),
    ):
        refused = command.run(*line)
        assert refused.returncode != 0, line
        assert newest in refused.stdout + refused.stderr, line
    fingerprint = command.run("backup", "--fingerprint")
    assert fingerprint.returncode == 0  # no record needs the newest one yet


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


# `dialtone backup --fingerprint`, and backups of other databases than SQLite


def test_the_fingerprint_names_the_keys_of_a_database_and_of_its_backup(
    dialtone: CommandLine,
) -> None:
    secrets = dialtone.folder / "secrets.json"
    dialtone.add_user("+14155593001", "Asha Rao")
    (key,) = load_keys(secrets)[KeyPurpose.PHONE_ENCRYPTION]
    assert dialtone.run("backup", "backup.db").returncode == 0

    for arguments in ([], ["backup.db"]):
        named = dialtone.run("backup", "--fingerprint", *arguments)
        assert named.returncode == 0, named.stderr
        assert "It has the fingerprint of the secrets file" in named.stdout
        assert f"the key {key.id}, for 1 phones; it is in the secrets file" in named.stdout

    secrets.unlink()
    named = dialtone.run("backup", "--fingerprint", "backup.db")
    assert "There are no usable keys to compare it with: the secrets file" in named.stdout
    assert f"the key {key.id}, for 1 phones.\n" in named.stdout

    create_secrets_file(secrets)
    named = dialtone.run("backup", "--fingerprint", "backup.db")
    assert named.returncode == 1
    assert "It does NOT have the fingerprint of the secrets file" in named.stdout
    assert f"the key {key.id}, for 1 phones; it is NOT in" in named.stdout


def test_other_databases_have_their_own_tools(tmp_path: Path) -> None:
    for scheme, command, tool, file in (
        ("mongodb", "backup", "mongodump", "NAME' --oplog --gzip --archive='my backup'"),
        ("mongodb", "restore", "mongorestore", "NAME' --oplogReplay --drop --gzip"),
        ("postgresql", "backup", "pg_dump", "--file='my backup' \"$DIALTONE_DATABASE\""),
        ("postgresql", "restore", "pg_restore", "--dbname=\"$DIALTONE_DATABASE\" 'my backup'"),
    ):
        url = f"{scheme}://dialtone:s3cret@127.0.0.1:1/dialtone"
        ended = CommandLine(tmp_path, {"DIALTONE_DATABASE": url}).run(command, "my backup")
        assert ended.returncode == 1
        assert tool in ended.stderr
        assert file in ended.stderr
        assert "s3cret" not in ended.stderr

    own = CommandLine(tmp_path, {"DIALTONE_DATABASE": "my_database:open_database"})
    ended = own.run("backup", "backup.db")
    assert (ended.returncode, "with its own tools" in ended.stderr) == (1, True)
