"""A restore takes back what was done; the lines of the log repeat it."""

import json
import shlex
from pathlib import Path
from typing import Any, Final

from tests.support.client import me, open_client, sign_in, sign_up
from tests.support.commands import json_lines
from tests.support.markdown import codes, page, rows
from tests.support.service import REASON, ForkedService

NAMES: Final = (
    "blocked", "gone", "left", "moved", "detached", "promoted", "demoted", "ended", "fine",
)  # fmt: skip
PHONES: Final = {name: f"+1415559{number:04}" for number, name in enumerate(NAMES, start=7100)}
NEW_PHONE: Final = "+14155597190"


def documented_command(line: dict[str, Any]) -> list[str] | None:
    """Return the command by which docs/keys.md repeats a line of the log; None without one."""
    commands = {
        name: [code for code in codes(cell) if code.startswith("dialtone ")]
        for names, cell, *_ in rows(page("docs/keys.md"))
        for name in codes(names)
    }
    is_act = line["event"] == "act_recorded"
    listed = commands.get(line["action"] if is_act else line["event"])
    if not listed:
        return None
    is_demoted = line["event"] == "role_changed" and line["role"] == "member"
    text = listed[1 if is_demoted else 0]
    for field in ("user_id", "role", "subject"):
        text = text.replace(field.upper(), line.get(field, ""))
    return [*shlex.split(text)[1:], *REASON]


def test_the_lines_of_the_log_repeat_what_a_restored_backup_lacks(tmp_path: Path) -> None:
    # The strictest level, and a log of commands beside that of the service.
    environ = {"DIALTONE_LOG_LEVEL": "error", "DIALTONE_WORKERS": "2"}
    service = ForkedService(tmp_path / "service", environ).start()
    users = {name: sign_up(service, phone, f"User {name}") for name, phone in PHONES.items()}
    ids = {name: account.user_id for name, account in users.items()}
    create = ("create", "--name", "helpdesk", "--scope", "users:read")
    backup = str(tmp_path / "backup.db")
    for arguments in (
        ("user", "promote", ids["demoted"], *REASON),
        ("admin-token", *create, *REASON),
        ("backup", backup),
    ):
        assert service.run(*arguments).returncode == 0
    (token,) = json_lines(service.run("admin-token", "list", "--json").stdout)
    began = len(service.log)

    # Two by users, by the API; the others by commands.
    for name, method, path in (("gone", "DELETE", "/users/me"), ("ended", "POST", "/auth/logout")):
        with open_client(service, users[name].headers) as http:
            http.request(method, path)
    acts = [
        service.run(*arguments, *REASON)
        for arguments in (
            ("user", "block", PHONES["blocked"]),
            ("user", "delete", PHONES["left"], "--yes"),
            ("user", "detach", PHONES["detached"]),
            ("user", "rename", ids["fine"], "User 4711"),
            ("user", "promote", PHONES["promoted"], "--role", "support"),
            ("user", "demote", PHONES["demoted"]),
            ("user", "change-phone", ids["moved"], NEW_PHONE),
            ("admin-token", "revoke", token["id"]),
        )
    ]
    while_running = service.run("restore", backup)
    assert "is in use: stop all instances of the service" in while_running.stderr
    assert service.stop() == 0
    log = service.log[began:] + "".join(done.stderr for done in acts)
    assert not [phone for phone in PHONES.values() if phone[1:] in log]
    assert "a test" not in log

    restored = service.run("restore", "--full-check", backup)
    assert restored.returncode == 0, restored.stderr
    assert "The keys belong to this database" in restored.stdout
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    # Blocks before deletions.
    lines.sort(key=lambda line: line["event"] == "user_deleted")
    for command in map(documented_command, lines):
        if command is not None:
            done = service.run(*command)
            assert done.returncode == 0, (command, done.stderr)

    (listed,) = json_lines(service.run("admin-token", "list", "--json").stdout)
    assert listed["revoked_at"] is not None
    service.start()
    is_in = {name: me(service, account.token) == 200 for name, account in users.items()}
    assert [name for name, still in is_in.items() if still] == ["fine"]  # a new role signs out
    roles = [
        json.loads(service.run("user", "show", ids[name], "--json").stdout)["account"]["role"]
        for name in ("promoted", "demoted")
    ]
    assert roles == ["support", "member"]
    # Its owner names the number.
    for action in (("change-phone", ids["moved"], NEW_PHONE), ("unblock", ids["moved"])):
        assert service.run("user", *action, *REASON).returncode == 0
    assert me(service, sign_in(service, NEW_PHONE)) == 200
    service.stop()
