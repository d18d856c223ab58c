"""A restore brings back what was undone; the journal finds it, and repeats it."""

import json
import stat
from pathlib import Path
from typing import Final

import httpx

from tests.e2e.test_start import sign_in
from tests.support.forked_service import ForkedService
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import HIGH_LIMITS, REASON, Service

JOURNAL: Final = "journal.jsonl"


def sign_up(service: Service, phone: str, name: str) -> tuple[str, dict[str, str]]:
    """Return the id of a new user, and the headers of its requests."""
    headers = {"Authorization": f"Bearer {sign_in(service, phone)}"}
    response = httpx.post(
        f"{service.url}/users",
        json={"username": name, "number": phone},
        headers=headers,
        **PLAIN_HTTP,
    )
    return response.json()["user_id"], headers


def test_what_a_restored_backup_lacks_is_listed_and_repeated(tmp_path: Path) -> None:
    service = ForkedService(
        tmp_path, {"DIALTONE_JOURNAL": JOURNAL, "DIALTONE_WORKERS": "2", **HIGH_LIMITS}
    )
    service.start()
    names = ("blocked", "gone", "moved", "fine")
    phones = {name: f"+1415559{number:04}" for number, name in enumerate(names, start=7100)}
    users = {name: sign_up(service, phone, f"User {name}") for name, phone in phones.items()}
    ids = {name: user_id for name, (user_id, _) in users.items()}
    backup = str(tmp_path / "backup.db")
    assert service.run("backup", backup).returncode == 0

    # One by its owner, by the API; the others by commands.
    httpx.delete(f"{service.url}/users/me", headers=users["gone"][1], **PLAIN_HTTP)
    change_phone = ("change-phone", ids["moved"], "+14155597190")
    for arguments in (("block", phones["blocked"]), change_phone):
        assert service.run("user", *arguments, *REASON).returncode == 0

    text = (tmp_path / JOURNAL).read_text()
    written = [json.loads(line) for line in text.splitlines()]
    assert [(line["action"], line["id"]) for line in written] == [
        ("delete", ids["gone"]),
        ("block", ids["blocked"]),
        ("change_phone", ids["moved"]),
    ]
    assert not [phone for phone in phones.values() if phone[1:] in text]
    assert stat.S_IMODE((tmp_path / JOURNAL).stat().st_mode) == 0o600
    # Nothing is missing in this database.
    checked = service.run("restore-check", "--journal", JOURNAL)
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout

    assert service.stop() == 0
    assert service.run("restore", backup).returncode == 0
    listed = service.run("restore-check")
    assert listed.returncode == 1
    for name, action in (("gone", "delete"), ("blocked", "block")):
        assert f"{action}  {ids[name]}\n" in listed.stdout, name
    assert f"by hand  {written[2]['time'][:10]}" in listed.stdout
    assert listed.stderr == "Left: 4. --apply --reason TEXT repeats 3 of them.\n"
    assert ids["fine"] not in listed.stdout

    applied = service.run("restore-check", "--apply", *REASON)
    assert (applied.returncode, applied.stderr.splitlines()[-1]) == (1, "Left: 1.")
    assert f"change-phone {ids['moved']} NEW_NUMBER --reason TEXT" in applied.stdout
    entries = json.loads(service.run("audit", ids["gone"], "--json").stdout)
    assert [(entry["action"], entry["reason"]) for entry in entries] == [
        ("delete", "restore-check: a test")
    ]
    again = service.run("restore-check", "--apply", *REASON)
    assert (again.returncode, again.stderr) == (1, "Left: 1.\n"), again.stdout  # no hint at --apply
    assert "repeated" not in again.stdout
    for arguments in (change_phone, ("unblock", ids["moved"])):
        assert service.run("user", *arguments, *REASON).returncode == 0
    assert service.run("restore-check").returncode == 0

    service.start()
    for name, status in (("gone", 401), ("blocked", 401), ("fine", 200)):
        me = httpx.get(f"{service.url}/users/me", headers=users[name][1], **PLAIN_HTTP)
        assert me.status_code == status, name
    service.stop()
