"""A restore takes back what was done; the lines of the log repeat it."""

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any, Final

from tests.support.client import me, open_client, sign_in, sign_up
from tests.support.commands import json_lines
from tests.support.markdown import blocks_in, codes, page, tables
from tests.support.service import REASON, START_TIMEOUT, ForkedService, Service, command

NAMES: Final = (
    "blocked", "gone", "left", "moved", "detached", "promoted", "demoted", "ended", "fine",
)  # fmt: skip
PHONES: Final = {name: f"+1415559{number:04}" for number, name in enumerate(NAMES, start=7100)}


def act(service: Service, log: Path, arguments: tuple[str, ...]) -> None:
    """Act for a user by the function of docs/log.md; this `systemd-cat` writes to a file."""
    programs = log.with_name("programs")
    programs.mkdir()
    (programs / "dialtone").symlink_to(command())
    systemd_cat = programs / "systemd-cat"
    systemd_cat.write_text(f'#!/bin/sh\ntest "$1" = --identifier=dialtone && cat >> {log}\n')
    systemd_cat.chmod(0o755)
    (function,) = (
        line
        for block in blocks_in("sh", page("docs/log.md"))
        for line in block.splitlines()
        if line.startswith("act() {") and "systemd-cat" in line
    )
    done = subprocess.run(
        ["sh", "-c", f"{function}\nact user {shlex.join([*arguments, *REASON])}"],
        cwd=service.folder,
        env={**service.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=START_TIMEOUT,
    )
    assert done.stdout.endswith(" is blocked now.\n")
    assert done.stderr == log.read_text()


def documented_command(line: dict[str, Any]) -> list[str] | None:
    """Return the command by which docs/backup.md repeats a line of the log; None without one."""
    commands = {
        name: [code for code in codes(cell) if code.startswith("dialtone ")]
        for table in tables(page("docs/backup.md"))
        for names, cell, *_ in table
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
    assert service.run("user", "promote", ids["demoted"], *REASON).returncode == 0
    create = ("create", "--name", "helpdesk", "--scope", "users:read")
    assert service.run("admin-token", *create, *REASON).returncode == 0
    (token,) = json_lines(service.run("admin-token", "list", "--json").stdout)
    backup = str(tmp_path / "backup.db")
    assert service.run("backup", backup).returncode == 0
    began = len(service.log)

    # Two by users, by the API; the others by commands.
    for name, method, path in (("gone", "DELETE", "/users/me"), ("ended", "POST", "/auth/logout")):
        with open_client(service, users[name].headers) as http:
            http.request(method, path)
    of_commands = tmp_path / "commands.jsonl"
    act(service, of_commands, ("block", PHONES["blocked"]))
    others = [
        service.run(*arguments, *REASON)
        for arguments in (
            ("user", "delete", PHONES["left"], "--yes"),
            ("user", "detach", PHONES["detached"]),
            ("user", "rename", ids["fine"], "User 4711"),
            ("user", "promote", PHONES["promoted"], "--role", "support"),
            ("user", "demote", PHONES["demoted"]),
            ("user", "change-phone", ids["moved"], "+14155597190"),
            ("admin-token", "revoke", token["id"]),
        )
    ]
    assert service.stop() == 0
    log = service.log[began:] + of_commands.read_text()
    log += "".join(done.stderr for done in others)
    assert not [phone for phone in PHONES.values() if phone[1:] in log]
    assert "a test" not in log

    assert service.run("restore", backup).returncode == 0
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    # Blocks before deletions.
    lines.sort(key=lambda line: line["event"] == "user_deleted")
    commands = [found for line in lines if (found := documented_command(line)) is not None]
    assert {
        (name, action) for name in NAMES for _, action, user, *_ in commands if user == ids[name]
    } == {
        ("blocked", "block"),
        ("gone", "delete"),
        ("left", "delete"),
        ("moved", "block"),
        ("detached", "detach"),
        ("fine", "rename"),
        ("promoted", "promote"),
        ("demoted", "demote"),
        ("ended", "sign-out"),
    }
    for arguments in commands:
        done = service.run(*arguments)
        assert done.returncode == 0, (arguments, done.stderr)

    listed = json_lines(service.run("admin-token", "list", "--json").stdout)
    assert [each["revoked_at"] is not None for each in listed] == [True]
    service.start()
    is_in = {name: me(service, account.token) == 200 for name, account in users.items()}
    assert [name for name, still in is_in.items() if still] == ["fine"]  # a new role signs out
    roles = [
        json.loads(service.run("user", "show", ids[name], "--json").stdout)["account"]["role"]
        for name in ("promoted", "demoted")
    ]
    assert roles == ["support", "member"]
    # Its owner names the number.
    for action in (("change-phone", ids["moved"], "+14155597190"), ("unblock", ids["moved"])):
        assert service.run("user", *action, *REASON).returncode == 0
    assert me(service, sign_in(service, "+14155597190")) == 200
    service.stop()
