"""`dialtone import users` as an operator uses it."""

import csv
import json
import signal
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.e2e.test_start import sign_in
from tests.support.forked_service import ForkedService, running
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import wait_until
from tests.support.service import REASON, START_TIMEOUT, Service, command

FILE: Final = """\
phone,id,username,created_at,blocked
+1 415 555 0101,5f7c8ec7c33c6c004bbafe82,Rahul Sharma,2020-05-01T09:30:00Z,
(415) 555-0102,member 42,Administrator,,
=HYPERLINK(1),member 43,-Zoë,,
+14155550104,member 44,,,
+14155550104,member 45,,,true
"""
NUMBERS: Final = ("4155550101", "415 555 0101", "555-0102", "4155550104")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("service") / "service") as service:
        yield service


def write(service: Service, name: str, text: str) -> Path:
    path = service.folder / name
    path.write_text(text)
    return path


def import_users(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    # A dry run needs no reason.
    reason = () if "--dry-run" in arguments else REASON
    return service.run("import", "users", *reason, *arguments)


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_users_are_imported_listed_and_sign_in(service: Service) -> None:
    path = write(service, "users.csv", FILE)
    rejected = path.with_name("users.csv.rejected.csv")

    tried = import_users(service, "users.csv", "--dry-run", "--region", "US")
    imported = import_users(service, "users.csv", "--region", "US", "--replace", "--reason", "move")
    repeated = import_users(service, "users.csv", "--region", "US", "--rejected", "again.csv")

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
    headers = {"Authorization": f"Bearer {sign_in(service, '+14155550101')}"}
    me = httpx.get(f"{service.url}/users/me", headers=headers, **PLAIN_HTTP).json()
    assert (me["_id"], me["username"]) == ("5f7c8ec7c33c6c004bbafe82", "Rahul Sharma")
    shown = json.loads(service.run("user", "show", "+14155550102", "--json").stdout)
    assert shown["account"]["external_id"] == "member 42"
    entries = json.loads(service.run("audit", "--json").stdout)
    acts = [entry["reason"] for entry in entries if entry["action"] == "import_users"]
    again, first = [reason for reason in acts if "lines: 5," in reason]  # none of the dry run
    assert (again.partition(" (")[0], first.partition(" (")[0]) == ("a test", "move")


def test_a_dry_run_creates_neither_database_nor_keys(tmp_path: Path) -> None:
    new = ForkedService(tmp_path)
    write(new, "users.csv", "phone,blocked\n+14155550101,\n")

    ended = import_users(new, "users.csv", "--dry-run")

    assert (ended.returncode, "created: 1" in ended.stdout) == (0, True)
    assert [path.name for path in tmp_path.iterdir()] == ["users.csv"]


def test_a_dry_run_changes_no_schema_and_creates_no_keys(tmp_path: Path) -> None:
    older = ForkedService(tmp_path)
    write(older, "users.csv", "phone,blocked\n+14155550101,\n")
    import_users(older, "users.csv")
    [database] = tmp_path.rglob("*.db")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TABLE service_tokens")
    before = database.read_bytes()

    tried = import_users(older, "users.csv", "--dry-run")
    [secrets] = tmp_path.rglob("secrets.json")
    secrets.unlink()
    without_keys = import_users(older, "users.csv", "--dry-run")

    assert "run `dialtone migrate` before" in tried.stderr
    assert without_keys.returncode == 1
    assert (database.read_bytes(), secrets.exists()) == (before, False)


@pytest.mark.parametrize(
    "text",
    [
        "phone,id,blocked\n+14155550111,x,\n123,y,true\n",
        '{"phone": "+14155550111", "id": "x", "blocked": false}\n'
        '{"phone": 123, "id": "y", "blocked": true}\n',
    ],
    ids=["CSV", "JSON"],
)
def test_a_file_of_rejected_lines_is_mended_and_imported(tmp_path: Path, text: str) -> None:
    service = ForkedService(tmp_path)
    write(service, "first", text)
    first = import_users(service, "first")
    rejected = service.folder / "first.rejected.csv"
    import_users(service, rejected.name)
    again = service.folder / f"{rejected.name}.rejected.csv"
    assert again.read_text().splitlines()[0] == rejected.read_text().splitlines()[0]
    again.unlink()
    rejected.write_text(rejected.read_text().replace(",123,", ",'+14155550112,"))

    ended = import_users(service, rejected.name)

    assert "rejected, and blocked there: 1." in first.stdout
    assert (ended.returncode, "created: 1" in ended.stdout) == (0, True)
    assert "blocked, of those created and completed: 1" in ended.stdout
    assert not again.exists()


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("phone,E-Mail,blocked,nick\n+14155550101,,,\n", "E-Mail, nick."),
        (
            '{"phone": "+14155550101", "blocked": false}\n{"phone": "+14155550102", "nick": 1}\n',
            "nick (line 2).",
        ),
    ],
    ids=["CSV", "JSON"],
)
@pytest.mark.parametrize("arguments", [(), ("--dry-run",), ("--ignore-blocks",)])
def test_unknown_fields_are_an_error_before_anything_is_written(
    tmp_path: Path, text: str, unknown: str, arguments: tuple[str, ...]
) -> None:
    new = ForkedService(tmp_path)
    write(new, "users", text)

    ended = import_users(new, "users", *arguments)

    assert ended.returncode == 1
    assert f"users has unknown fields: {unknown} An import knows phone, id," in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["users"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-",), "not the path of a file"),
        (("mongodb://user:password@host/name",), "This is a URL: name a file."),
        (("header.csv",), "has no users"),
        (("plain.csv",), "plain.csv has no column blocked, which says who is blocked elsewhere"),
        (("header.csv", "--region", "XX"), "--region: "),
        (("header.csv", "--rejected", "./header.csv", "--replace"), "names the file to import"),
        (("header.csv", "--rejected", "missing/x.csv"), "cannot be written: No such file"),
        (("plain.csv", "--ignore-blocks", "--rejected", "header.csv"), "--replace replaces it"),
    ],
)
def test_what_cannot_work_is_one_sentence(
    service: Service, arguments: tuple[str, ...], message: str
) -> None:
    write(service, "header.csv", "phone,blocked\n")
    write(service, "plain.csv", "phone\n+14155550199\n")

    ended = import_users(service, *arguments)

    assert ended.returncode in (1, 2)
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "password@" not in ended.stderr


def test_a_signal_ends_an_import_after_the_users_under_way(service: Service) -> None:
    lines = [f"+1415777{number:04d},s{number}," for number in range(2000)]
    path = write(service, "many.csv", "\n".join(["phone,id,blocked", "123,bad,", *lines]))
    process = subprocess.Popen(
        [command(), "import", "users", path.name, *REASON],
        cwd=service.folder,
        env=service.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    rejected = path.with_name("many.csv.rejected.csv")
    wait_until(lambda: rejected.exists() and rejected.stat().st_size > 0, START_TIMEOUT)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Run the same command again to continue, with --replace for" in stderr
    created = next(line for line in stdout.splitlines() if line.startswith("created: "))
    repeated = import_users(service, path.name, "--replace")
    assert created.replace("created", "unchanged") in repeated.stdout.splitlines()
