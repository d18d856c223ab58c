"""`dialtone import items` as an operator uses it."""

import csv
import json
import stat
from pathlib import Path
from typing import Final

import pytest

from tests.support.commands import CommandLine, Ended, json_lines
from tests.support.images import encode, sample_image
from tests.support.service import REASON

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
def dialtone(dialtone: CommandLine) -> CommandLine:
    """The command in a folder with users who are imported, items and their pictures."""
    folder = dialtone.folder
    users = f"phone,id\n+14155550101,{ASHA}\n+14155550102,member 42\n"
    (folder / "users.csv").write_text(users)
    imported = dialtone.run("import", "users", "users.csv", "--ignore-blocks", *REASON)
    assert imported.returncode == 0, imported.stderr
    (folder / "items.jsonl").write_text("".join(f"{json.dumps(item)}\n" for item in ITEMS))
    (folder / "copy" / "a").mkdir(parents=True)
    for name in ("copy/a/1.jpg", "copy/2.jpg", "secret.jpg"):
        (folder / name).write_bytes(encode(sample_image(), "JPEG"))
    return dialtone


def import_items(dialtone: CommandLine, file: str, *arguments: str) -> Ended:
    reason = () if "--dry-run" in arguments else REASON
    return dialtone.run("import", "items", file, "--files", "copy", *reason, *arguments)


def media_of(dialtone: CommandLine) -> list[Path]:
    return [*(dialtone.folder / "media").rglob("*.jpg")]


def test_items_are_imported_and_others_are_listed(dialtone: CommandLine) -> None:
    tried = import_items(dialtone, "items.jsonl", "--dry-run")
    assert not media_of(dialtone)
    imported = import_items(dialtone, "items.jsonl", "--replace")
    report = dialtone.folder / "items.jsonl.rejected.csv"
    with report.open(newline="") as file:
        header, *rows = csv.reader(file)
    (dialtone.folder / "copy" / "=lost.jpg").write_bytes(encode(sample_image(), "JPEG"))
    mended = import_items(dialtone, report.name)
    repeated = import_items(dialtone, "items.jsonl", "--replace")

    runs = (tried, imported, mended, repeated)
    assert [ended.returncode for ended in runs] == [1] * 4, [ended.stderr for ended in runs]
    assert "This is a dry run: nothing was imported." in tried.stdout
    for ended, created, rejected in ((tried, 2, 3), (imported, 2, 3), (mended, 1, 2)):
        assert f"created: {created}\n" in ended.stdout
        assert f"Lines that are not imported: {rejected}." in ended.stderr
    assert "unchanged: 3" in repeated.stdout.splitlines()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert header == [
        "rejected_line", "rejected_reason", "rejected_message",
        "id", "owner", "created_at", "category", "file",
    ]  # fmt: skip
    assert [(row[0], row[1], row[-1]) for row in rows] == [
        ("3", "file_missing", "'=lost.jpg"),
        ("4", "file_outside", "../secret.jpg"),
        ("5", "invalid_id", "2.jpg"),
    ]
    for user, count in ((ASHA, 2), ("external_id:member 42", 1)):
        shown = json.loads(dialtone.run("user", "show", user, "--json").stdout)
        assert shown["library"]["items"] == count
    entries = json_lines(dialtone.run("audit", "--json").stdout)
    acts = [entry for entry in entries if entry["action"] == "import_items"]
    assert len(acts) == 3  # none of the dry run
    assert all(entry["reason"].startswith("a test (lines: ") for entry in acts)
    assert media_of(dialtone)
