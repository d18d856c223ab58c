"""`dialtone import hookaba`, as an operator runs it."""

import csv
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from bson import ObjectId
from pymongo import MongoClient

from tests.support.commands import CommandLine
from tests.support.images import encode, sample_image
from tests.support.servers.s3 import S3Server
from tests.support.service import REASON

PASSWORD = "the-password"
JOINED_ON = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
ASHA, FIRST, SECOND = (f"68b1c0a5d2f04e7a9c3b1d2{number}" for number in range(3))
CAT, LOST = (f"68b1c0a5d2f04e7a9c3b1e2{number}" for number in range(2))
PHONE, SHARED = "+919876543210", "98765 43211"


@pytest.fixture
def older_service(mongo_database: str) -> Iterator[str]:
    """Yield the URL of the older service's database."""
    with MongoClient[dict[str, Any]](mongo_database) as client:
        database = client.get_default_database()
        for user_id, name, number, is_admin in (
            (ASHA, "Asha", PHONE, True),
            (FIRST, "First", SHARED, False),
            (SECOND, "Second", "+91" + SHARED, False),
        ):
            user = {"_id": ObjectId(user_id), "username": name, "number": number}
            database.users.insert_one({**user, "admin": is_admin, "created_on": JOINED_ON})
        for item_id, name in ((CAT, "cat.jpg"), (LOST, "=lost.jpg")):
            item = {"_id": ObjectId(item_id), "user_id": ASHA, "type": "gif", "category": "pets"}
            url = f"https://dialtone-tests.s3.us-east-1.amazonaws.com/{name}"
            database.library.insert_one({**item, "url": url, "created_at": JOINED_ON})
        yield mongo_database


def test_users_and_images_are_imported_from_a_bucket(
    tmp_path: Path, older_service: str, s3_server: S3Server
) -> None:
    prefix, image = uuid4().hex, encode(sample_image(), "JPEG")
    s3_server.client.put_object(Bucket=s3_server.bucket, Key=f"{prefix}/cat.jpg", Body=image)
    dialtone = CommandLine(
        tmp_path,
        {
            "DIALTONE_DEFAULT_REGION": "IN",
            "OLDER_URL": older_service,
            "HOOKABA_AWS_ACCESS_KEY_ID": s3_server.access_key,
            "HOOKABA_AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
            "HOOKABA_S3_ENDPOINT": s3_server.endpoint,
        },
    ).create_database()
    files = f"s3://{s3_server.bucket}/{prefix}"
    command = ("import", "hookaba", "--from", "env:OLDER_URL", "--files", files, *REASON)

    imported = dialtone.run(*command)

    assert imported.returncode == 1, imported.stderr
    assert "Users and items that are not imported: 3." in imported.stderr
    assert "users: 1 created, 2 rejected" in imported.stdout
    assert "items: 1 imported, 1 rejected" in imported.stdout
    assert "Fields of library rows that are not imported: type (2 rows)" in imported.stdout
    again = dialtone.run(*command)
    assert "users: 1 unchanged, 2 rejected" in again.stdout
    assert "import_users  hookaba" in dialtone.run("audit").stdout
    user = json.loads(dialtone.run("user", "show", PHONE, "--json").stdout)
    account = user["account"]
    assert (account["id"], account["username"], account["role"]) == (ASHA, "Asha", "member")
    assert user["library"]["items"] == 1
    image_and_variants = [*(tmp_path / "media").rglob("*.jpg")]
    assert image_and_variants
    assert all(file.read_bytes().startswith(b"\xff\xd8") for file in image_and_variants)


def test_the_report_lists_ids_and_reasons_without_numbers(
    tmp_path: Path, older_service: str
) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "cat.jpg").write_bytes(encode(sample_image(), "JPEG"))
    settings = {"DIALTONE_DEFAULT_REGION": "IN", "OLDER_URL": older_service}
    dialtone = CommandLine(tmp_path, settings).create_database()
    command = ("import", "hookaba", "--from=env:OLDER_URL", "--files=file:copy", "--dry-run")

    dry_run = dialtone.run(*command, "--bucket", "dialtone-tests", "--report", "report.csv")
    unnamed = dialtone.run(*command)

    assert dry_run.returncode == 1
    assert "This is a dry run: nothing was imported." in dry_run.stdout
    report = tmp_path / "report.csv"
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    with report.open(newline="") as file:
        rows = {(row["id"], row["reason"]) for row in csv.DictReader(file)}
    assert rows == {
        (ASHA, "was_administrator"),
        (FIRST, "repeated_phone"),
        (SECOND, "repeated_phone"),
        (LOST, "file_missing"),
    }
    shown = dry_run.stdout + dry_run.stderr + report.read_text()
    assert not any(number in shown for number in ("98765", "43210", "43211"))
    data = {"dialtone.db", "secrets.json"}
    assert {path.name for path in tmp_path.iterdir()} == {*data, "copy", "report.csv"}
    assert (unnamed.returncode, "--bucket must name the bucket" in unnamed.stderr) == (2, True)


def test_another_database_is_an_error_in_words(tmp_path: Path, mongo_database: str) -> None:
    dialtone = CommandLine(tmp_path, {"OLDER_URL": mongo_database}).create_database()

    failed = dialtone.run("import", "hookaba", "--from", "env:OLDER_URL", "--dry-run")

    assert failed.returncode == 1
    assert "has no collection users: name the database of hookaba-backend" in failed.stderr


def test_an_error_of_the_arguments_shows_no_password(dialtone: CommandLine) -> None:
    for source, error in (
        (f"mongodb://user:{PASSWORD}@127.0.0.1:9", "must name the database"),
        (f"mongodb://user:{PASSWORD}/@127.0.0.1/name", "--from: Must be"),
        ("env:NOT_SET", "--from: the variable NOT_SET is not set."),
    ):
        failed = dialtone.run("import", "hookaba", "--region", "IN", "--from", source, *REASON)
        assert failed.returncode in (1, 2)
        assert error in failed.stderr
        assert PASSWORD not in failed.stdout + failed.stderr
