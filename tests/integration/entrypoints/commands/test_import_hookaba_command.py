"""`dialtone import hookaba`, as an operator runs it."""

import csv
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from bson import ObjectId
from pymongo import MongoClient

from tests.e2e.test_start import sign_in
from tests.support.forked_service import ForkedService
from tests.support.images import encode, sample_image
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.s3 import S3Server
from tests.support.service import REASON, Service

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


@pytest.fixture
def files(s3_server: S3Server) -> str:
    """Return where the files of the older service are."""
    prefix = uuid4().hex
    s3_server.client.put_object(
        Bucket=s3_server.bucket, Key=f"{prefix}/cat.jpg", Body=encode(sample_image(), "JPEG")
    )
    return f"s3://{s3_server.bucket}/{prefix}"


@pytest.fixture
def service(tmp_path: Path, older_service: str, s3_server: S3Server) -> Service:
    folder = tmp_path / "service"
    folder.mkdir()
    return ForkedService(
        folder,
        {
            "DIALTONE_DEFAULT_REGION": "IN",
            "OLDER_URL": older_service,
            "HOOKABA_AWS_ACCESS_KEY_ID": s3_server.access_key,
            "HOOKABA_AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
            "HOOKABA_S3_ENDPOINT": s3_server.endpoint,
        },
    )


def test_people_sign_in_to_their_account_with_their_images(service: Service, files: str) -> None:
    command = ("import", "hookaba", "--from", "env:OLDER_URL", "--files", files, *REASON)

    imported = service.run(*command)

    assert imported.returncode == 1, imported.stderr
    assert "Users and items that are not imported: 3." in imported.stderr
    assert "users: 1 created, 2 rejected" in imported.stdout
    assert "items: 1 imported, 1 rejected" in imported.stdout
    assert "Fields of library rows that are not imported: type (2 rows)" in imported.stdout
    again = service.run(*command)
    assert "users: 1 unchanged, 2 rejected" in again.stdout
    assert "import_users  hookaba" in service.run("audit").stdout
    service.start()
    with httpx.Client(base_url=service.url, **PLAIN_HTTP) as client:
        client.headers["Authorization"] = f"Bearer {sign_in(service, PHONE)}"
        me = client.get("/users/me").json()
        (item,) = client.get("/library").json()["items"]
        content = client.get(item["url"]).content
    assert (me["_id"], me["username"], me["admin"]) == (ASHA, "Asha", False)
    assert (item["id"], item["user_id"], item["category"]) == (CAT, ASHA, "pets")
    assert item["type"] == "image"
    assert content.startswith(b"\xff\xd8")
    assert service.stop() == 0


def test_the_report_lists_ids_and_reasons_without_numbers(service: Service, files: str) -> None:
    dry_run = service.run(
        *("import", "hookaba", "--from", "env:OLDER_URL", "--files", files, "--dry-run"),
        *("--report", "report.csv"),
    )

    assert dry_run.returncode == 1
    assert "This is a dry run: nothing was imported." in dry_run.stdout
    report = service.folder / "report.csv"
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
    assert [path.name for path in service.folder.iterdir()] == ["report.csv"]
    (service.folder / "copy").mkdir()
    unnamed = service.run(
        "import", "hookaba", "--from", "env:OLDER_URL", "--files", "file:copy", "--dry-run"
    )
    assert (unnamed.returncode, "--bucket must name the bucket" in unnamed.stderr) == (2, True)


def test_another_database_is_an_error_in_words(tmp_path: Path, mongo_database: str) -> None:
    service = ForkedService(tmp_path, {"OLDER_URL": mongo_database})

    failed = service.run("import", "hookaba", "--from", "env:OLDER_URL", "--dry-run")

    assert failed.returncode == 1
    assert "has no collection users: name the database of hookaba-backend" in failed.stderr


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--from", f"mongodb://user:{PASSWORD}@127.0.0.1:9"), "must name the database"),
        (("--from", f"mongodb://user:{PASSWORD}/@127.0.0.1/name"), "--from: Must be"),
        (("--from", "env:A", f"mongodb://user:{PASSWORD}@127.0.0.1/name"), "unexpected extra"),
        (("--from", "env:NOT_SET"), "--from: the variable NOT_SET is not set."),
    ],
)
def test_an_error_of_the_arguments_shows_no_password(
    tmp_path: Path, arguments: tuple[str, ...], error: str
) -> None:
    service = ForkedService(tmp_path)
    failed = service.run("import", "hookaba", "--region", "IN", *arguments, *REASON)

    assert failed.returncode in (1, 2)
    assert error in failed.stderr
    assert PASSWORD not in failed.stdout + failed.stderr
    assert "Traceback" not in failed.stderr
