"""`dialtone import` as an operator uses it."""

import csv
import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.support.commands import CommandLine, Ended, json_lines
from tests.support.images import encode, sample_image
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
REJECTED: Final = ["rejected_line", "rejected_reason", "rejected_message"]


def import_users(dialtone: CommandLine, *arguments: str) -> Ended:
    # A dry run needs no reason.
    reason = () if "--dry-run" in arguments else REASON
    return dialtone.run("import", "users", *reason, *arguments)


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def reasons_of(dialtone: CommandLine, action: str) -> list[str]:
    """Return those in the audit, the latest first. A dry run has none."""
    entries = json_lines(dialtone.run("audit", "--json").stdout)
    return [entry["reason"] for entry in entries if entry["action"] == action]


def test_users_are_imported_and_others_are_listed(dialtone: CommandLine) -> None:
    (dialtone.folder / "users.csv").write_text(FILE)
    rejected = dialtone.folder / "users.csv.rejected.csv"

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
    assert header == [*REJECTED, "phone", "id", "username", "created_at", "blocked"]
    assert [row[:2] for row in rows] == [
        ["3", "username_refused"],
        ["4", "invalid_phone"],
        ["5", "repeated_phone"],
        ["6", "repeated_phone"],
    ]
    assert rows[1][3:6] == ["'=HYPERLINK(1)", "member 43", "'-Zoë"]
    assert rows[2][3] == "'+14155550104"
    again, before = (
        reason for reason in reasons_of(dialtone, "import_users") if "lines: 5," in reason
    )
    assert (again.partition(" (")[0], before.partition(" (")[0]) == ("a test", "move")


def test_a_dry_run_changes_no_schema(dialtone: CommandLine) -> None:
    (dialtone.folder / "users.csv").write_text("phone,blocked\n+14155550101,\n")
    import_users(dialtone, "users.csv")
    [database] = dialtone.folder.rglob("*.db")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TABLE service_tokens")
    before = database.read_bytes()

    tried = import_users(dialtone, "users.csv", "--dry-run")

    assert "run `dialtone migrate` before" in tried.stderr
    assert database.read_bytes() == before


def test_what_cannot_work_is_one_sentence_before_anything_is_written(dialtone: CommandLine) -> None:
    (dialtone.folder / "header.csv").write_text("phone,blocked\n")
    unknown = "phone,E-Mail,blocked,nick\n+14155550101,,,\n"
    (dialtone.folder / "unknown.csv").write_text(unknown)
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


# Items

ASHA: Final = "68b1c0a5d2f04e7a9c3b1d20"
IDS: Final = [f"68b1c0a5d2f04e7a9c3b1e2{number}" for number in range(4)]
ITEMS: Final = [
    {"id": IDS[0], "owner": ASHA, "created_at": "2025-06-01", "category": "a", "file": "a/1.jpg"},
    {"id": IDS[1], "owner": "member 42", "created_at": 1748779200, "file": "2.jpg"},
    {"id": IDS[2], "owner": ASHA, "file": "=lost.jpg"},
    {"id": IDS[3], "owner": ASHA, "file": "../secret.jpg"},
    {"id": "5", "owner": ASHA, "file": "2.jpg"},
]  # fmt: skip


@pytest.fixture
def with_items(dialtone: CommandLine) -> CommandLine:
    """The command in a folder with users who are imported, items and their pictures."""
    folder = dialtone.folder
    (folder / "users.csv").write_text(f"phone,id\n+14155550101,{ASHA}\n+14155550102,member 42\n")
    imported = import_users(dialtone, "users.csv", "--ignore-blocks")
    assert imported.returncode == 0, imported.stderr
    (folder / "items.jsonl").write_text("".join(f"{json.dumps(item)}\n" for item in ITEMS))
    (folder / "copy" / "a").mkdir(parents=True)
    for name in ("copy/a/1.jpg", "copy/2.jpg", "secret.jpg"):
        (folder / name).write_bytes(encode(sample_image(), "JPEG"))
    return dialtone


def import_items(dialtone: CommandLine, file: str, *arguments: str) -> Ended:
    reason = () if "--dry-run" in arguments else REASON
    return dialtone.run("import", "items", file, "--files", "copy", *reason, *arguments)


def test_items_are_imported_and_others_are_listed(with_items: CommandLine) -> None:
    folder = with_items.folder
    tried = import_items(with_items, "items.jsonl", "--dry-run")
    assert not [*folder.rglob("media/**/*.jpg")]
    imported = import_items(with_items, "items.jsonl", "--replace")
    report = folder / "items.jsonl.rejected.csv"
    header, *rows = rows_of(report)
    (folder / "copy" / "=lost.jpg").write_bytes(encode(sample_image(), "JPEG"))
    mended = import_items(with_items, report.name)
    repeated = import_items(with_items, "items.jsonl", "--replace")

    runs = (tried, imported, mended, repeated)
    assert [ended.returncode for ended in runs] == [1] * 4, [ended.stderr for ended in runs]
    for ended, created, rejected in ((tried, 2, 3), (imported, 2, 3), (mended, 1, 2)):
        assert f"created: {created}\n" in ended.stdout
        assert f"Lines that are not imported: {rejected}." in ended.stderr
    assert "unchanged: 3" in repeated.stdout.splitlines()
    assert header == [*REJECTED, "id", "owner", "created_at", "category", "file"]
    assert [(row[0], row[1], row[-1]) for row in rows] == [
        ("3", "file_missing", "'=lost.jpg"),
        ("4", "file_outside", "../secret.jpg"),
        ("5", "invalid_id", "2.jpg"),
    ]
    for user, count in ((ASHA, 2), ("external_id:member 42", 1)):
        shown = json.loads(with_items.run("user", "show", user, "--json").stdout)
        assert shown["library"]["items"] == count
    reasons = reasons_of(with_items, "import_items")
    assert [reason.partition("(lines: ")[0] for reason in reasons] == ["a test "] * 3
    assert [*folder.rglob("media/**/*.jpg")]
