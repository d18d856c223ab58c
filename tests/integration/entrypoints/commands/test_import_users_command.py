"""`dialtone import users` as an operator uses it."""

import csv
import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.support.commands import CommandLine, Ended, json_lines
from tests.support.service import REASON

FILE: Final = """\
phone,id,username,created_at,blocked
+1 415 555 0101,5f7c8ec7c33c6c004bbafe82,Rahul Sharma,2020-05-01T09:30:00Z,
(415) 555-0102,member 42,Administrator,,
=HYPERLINK(1),member 43,-Zoë,,
+14155550104,member 44,,,
+14155550104,member 45,,,true
"""
NUMBERS: Final = ("4155550101", "415 555 0101", "555-0102", "4155550104")


def write(dialtone: CommandLine, name: str, text: str) -> Path:
    path = dialtone.folder / name
    path.write_text(text)
    return path


def import_users(dialtone: CommandLine, *arguments: str) -> Ended:
    # A dry run needs no reason.
    reason = () if "--dry-run" in arguments else REASON
    return dialtone.run("import", "users", *reason, *arguments)


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_users_are_imported_and_others_are_listed(dialtone: CommandLine) -> None:
    path = write(dialtone, "users.csv", FILE)
    rejected = path.with_name("users.csv.rejected.csv")

    tried = import_users(dialtone, "users.csv", "--dry-run", "--region", "US")
    imported = import_users(
        dialtone, "users.csv", "--region", "US", "--replace", "--reason", "move"
    )
    repeated = import_users(dialtone, "users.csv", "--region", "US", "--rejected", "again.csv")

    assert [ended.returncode for ended in (tried, imported, repeated)] == [1, 1, 1]
    assert "This is a dry run: nothing was imported." in tried.stdout
    for line in ("created: 2", "rejected: 3", "  repeated_phone: 2", "  invalid_phone: 1"):
        assert line in tried.stdout.splitlines()
        assert line in imported.stdout.splitlines()
    assert "imported without a username: 1" in imported.stdout
    assert "unchanged: 2" in repeated.stdout.splitlines()
    output = "".join(ended.stdout + ended.stderr for ended in (tried, imported, repeated))
    for text in (*NUMBERS, "Rahul", "Traceback"):
        assert text not in output
    assert stat.S_IMODE(rejected.stat().st_mode) == 0o600
    header, *rows = rows_of(rejected)
    assert header == [
        "rejected_line", "rejected_reason", "rejected_message",
        "phone", "id", "username", "created_at", "blocked",
    ]  # fmt: skip
    assert [row[:2] for row in rows] == [
        ["3", "username_refused"],
        ["4", "invalid_phone"],
        ["5", "repeated_phone"],
        ["6", "repeated_phone"],
    ]
    assert rows[1][3:6] == ["'=HYPERLINK(1)", "member 43", "'-Zoë"]
    assert rows[2][3] == "'+14155550104"
    first, second = (
        json.loads(dialtone.run("user", "show", f"+1415555010{number}", "--json").stdout)["account"]
        for number in (1, 2)
    )
    assert (first["id"], first["username"]) == ("5f7c8ec7c33c6c004bbafe82", "Rahul Sharma")
    assert second["external_id"] == "member 42"
    entries = json_lines(dialtone.run("audit", "--json").stdout)
    acts = [entry["reason"] for entry in entries if entry["action"] == "import_users"]
    again, before = [reason for reason in acts if "lines: 5," in reason]  # none of the dry run
    assert (again.partition(" (")[0], before.partition(" (")[0]) == ("a test", "move")


def test_a_dry_run_changes_no_schema(dialtone: CommandLine) -> None:
    write(dialtone, "users.csv", "phone,blocked\n+14155550101,\n")
    import_users(dialtone, "users.csv")
    [database] = dialtone.folder.rglob("*.db")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TABLE service_tokens")
    before = database.read_bytes()

    tried = import_users(dialtone, "users.csv", "--dry-run")

    assert "run `dialtone migrate` before" in tried.stderr
    assert database.read_bytes() == before


def test_what_cannot_work_is_one_sentence_before_anything_is_written(dialtone: CommandLine) -> None:
    write(dialtone, "header.csv", "phone,blocked\n")
    write(dialtone, "unknown.csv", "phone,E-Mail,blocked,nick\n+14155550101,,,\n")
    for arguments, message in (
        (["mongodb://user:password@host/name"], "This is a URL: name a file."),
        (["header.csv"], "has no users"),
        (["header.csv", "--region", "XX"], "--region: "),
        (["header.csv", "--rejected", "./header.csv", "--replace"], "names the file to import"),
        (["unknown.csv"], "unknown.csv has unknown fields: E-Mail, nick. An import knows phone,"),
        (["unknown.csv", "--dry-run"], "unknown.csv has unknown fields: E-Mail, nick."),
    ):
        ended = import_users(dialtone, *arguments)
        assert ended.returncode in (1, 2)
        assert message in ended.stderr
        assert "password@" not in ended.stderr
    assert {path.name for path in dialtone.folder.glob("*.csv")} == {"header.csv", "unknown.csv"}
