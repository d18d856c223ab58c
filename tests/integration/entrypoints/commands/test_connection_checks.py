"""`check-settings --connect` names each part that does not work, and changes nothing."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from adapters.operations.system import SystemClock
from adapters.security.keys.document import generate_entry
from adapters.security.keys.keys import load_secrets_file
from application.ports.errors import ConfigurationError, PortError
from application.ports.keys import KeyPurpose
from entrypoints.commands.operations.checks import connection_checks
from entrypoints.composition.read_settings import read_settings
from entrypoints.composition.use_cases import open_use_cases
from entrypoints.parts import connection_checks as connection_checks_module
from entrypoints.parts.connection_checks import CheckResult
from entrypoints.settings.rules import Check
from entrypoints.settings.startup_error import StartupError
from tests.support.commands import CommandLine
from tests.support.servers.fake_hook import SECRET
from tests.support.servers.fake_siteverify import FakeSiteverify
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.fake_vonage import FakeVonage
from tests.support.servers.http_server import LocalServer
from tests.support.servers.s3 import S3Server
from tests.support.service import Service

SENDER = "+15005550006"
NO_SERVER = "127.0.0.1:1"
HOOK = f"http://{NO_SERVER}"
OWN = ["own:simple", "own:reporting", "own:broken", "own:unset"]


def parts_of(shown: str) -> dict[str, str]:
    """Return what `check-settings --connect` says of each part."""
    lines = (line.partition("  ") for line in shown.splitlines())
    return {name.strip(): text.strip() for name, _, text in lines}


async def check_part(part: str, folder: Path, **environ: str) -> str:
    """Check one part in this process, which is faster; return its line."""
    settings = read_settings(Service(folder, environ).environ, None)
    try:
        note = await connection_checks(settings)[part]()
    except (ConfigurationError, StartupError, PortError) as error:
        return str(error)
    return f"ok {note}".strip()


def with_twilio(twilio: FakeTwilio, **environ: str) -> dict[str, str]:
    used = {"DIALTONE_SMS": "twilio", "DIALTONE_COUNTRIES": "US", **twilio.environ, **environ}
    return {name: value for name, value in used.items() if value}


@pytest.fixture
def checks_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the checks one after another, and not in a process for each."""

    def run_here(checks: Mapping[str, Check], _: object) -> dict[str, CheckResult]:
        return {name: connection_checks_module._run(check) for name, check in checks.items()}

    monkeypatch.setattr(connection_checks_module, "run_checks", run_here)


@pytest.mark.usefixtures("checks_run_here")
def test_before_the_first_start_all_is_ok_and_nothing_is_created(tmp_path: Path) -> None:
    ended = CommandLine(tmp_path).run("check-settings", "--connect")

    assert ended.returncode == 0
    parts = parts_of(ended.stdout)
    assert list(parts) == ["keys", "database", "media", "messages console"]
    assert all(text.startswith("ok") for text in parts.values())
    assert list(tmp_path.iterdir()) == []


OWN_ADAPTERS = """
from contextlib import asynccontextmanager
from application.ports.errors import ConfigurationError, MessengerUnavailable, StorageUnavailable

class Limits:
    async def acquire(self, limits, now): ...
    async def release(self, limits, acquired_at): ...
    async def next_available(self, limits, now): ...
    async def count_used(self, limits, now): ...
    async def delete_expired(self, now, limit): ...
    async def check(self):
        raise StorageUnavailable("the store is closed")

@asynccontextmanager
async def limits(*, environ):
    yield Limits()

class Messenger:
    async def send(self, phone, message): ...

class ReportingMessenger(Messenger):
    def read_statuses(self, request): ...
    def answer_handshake(self, request): ...

class BrokenMessenger(Messenger):
    async def check(self):
        raise MessengerUnavailable("the gateway is closed")

@asynccontextmanager
async def simple(*, environ):
    yield Messenger()

@asynccontextmanager
async def reporting(*, environ):
    yield ReportingMessenger()

@asynccontextmanager
async def broken(*, environ):
    yield BrokenMessenger()

@asynccontextmanager
async def unset(*, environ):
    raise ConfigurationError("MY_SMS_URL is not set: set it.")
    yield
"""


@pytest.mark.usefixtures("checks_run_here")
def test_all_failures_are_reported_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "secrets.json").write_text("{}")
    (tmp_path / "secrets.json").chmod(0o600)
    (tmp_path / "dialtone.db").write_text("no database" * 100)
    (tmp_path / "media").write_text("no folder")
    (tmp_path / "own.py").write_text(OWN_ADAPTERS)
    environ = {
        "DIALTONE_LIMIT_STORE": "own:limits",
        "DIALTONE_SMS": ",".join(["twilio", "console", *OWN, f"{HOOK}/tops3cret"]),
        "DIALTONE_SMS_HOOK_SECRET": SECRET,
        "DIALTONE_PUBLIC_URL": "https://dialtone.example.org/app",
        "DIALTONE_COUNTRIES": "US",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "tops3cret",
        "TWILIO_FROM": SENDER,
        "TWILIO_API_BASE": f"http://{NO_SERVER}",
        "DIALTONE_DATABSE": "x",
    }
    ended = CommandLine(tmp_path, environ).run("check-settings", "--connect")

    assert ended.returncode == 1
    parts = parts_of(ended.stdout)
    for part, text in {
        "keys": "is invalid",
        "database": "is no SQLite database",
        "limits": "the store is closed",
        "media": "something else has its name",
        "messages twilio": "cannot be reached",
        "messages console": "ok",
        "messages own:simple": "ok (it was opened; it has no health check)",
        "messages own:reporting": "statuses are posted to https://dialtone.example.org/app/sms/status",
        "messages own:broken": "the gateway is closed",
        "messages own:unset": "DIALTONE_SMS: MY_SMS_URL is not set: set it.",
        f"messages {HOOK}": f"DIALTONE_SMS: There is no connection to the hook {HOOK} (the conn",
    }.items():
        assert text in parts[part]
    assert "Did you mean DIALTONE_DATABASE?" in ended.stdout
    assert "9 of 12 parts do not work." in ended.stderr
    assert "tops3cret" not in ended.stdout + ended.stderr
    assert SENDER not in ended.stdout + ended.stderr


async def test_keys_that_are_not_active_yet_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    load_secrets_file(path, create_missing=True)
    assert (await check_part("keys", tmp_path)).startswith("ok")
    document = json.loads(path.read_text())
    for key in document["signing"]:
        key["not_before"] = "2999-01-01T00:00:00Z"
    path.write_text(json.dumps(document))

    problem = await check_part("keys", tmp_path)
    assert 'No key of "signing" is active before 2999-01-01' in problem
    assert "2999-01-01T00:00:00Z  in use" in problem


async def test_all_keys_are_listed_with_their_use_and_without_their_bytes(tmp_path: Path) -> None:
    path, now = tmp_path / "secrets.json", datetime.now(UTC)
    load_secrets_file(path, create_missing=True)
    document = json.loads(path.read_text())
    ages = [timedelta(hours=-1), *(timedelta(days=days) for days in (20, 400, 500))]
    document["refresh"] = [generate_entry(KeyPurpose.REFRESH, now - age) for age in ages]
    path.write_text(json.dumps(document))

    checked = await check_part("keys", tmp_path)

    rows = [re.split(" {2,}", line) for line in checked.splitlines()[1:]]
    states = ["accepted, not in use yet", "in use", "accepted", "no longer needed"]
    assert [row[1:] for row in rows if row[0] == "refresh"] == [
        [entry["id"], entry["not_before"], state]
        for entry, state in zip(document["refresh"], states, strict=True)
    ]
    assert {row[0] for row in rows} == set(KeyPurpose)
    keys = [entry["key"] for purpose in KeyPurpose for entry in document[purpose]]
    assert not any(line in checked for key in keys for line in key.splitlines())


@pytest.mark.parametrize(
    ("database", "unreachable", "problem"),
    [
        ("mongo_database", "mongodb://u:tops3cret@{}/x?timeoutMS=500", "no server that accepts w"),
        ("postgres_database", "postgresql://u:tops3cret@{}/x", "no server that responds"),
    ],
)  # fmt: skip
async def test_a_database_on_a_server_is_checked(
    request: pytest.FixtureRequest, tmp_path: Path, database: str, unreachable: str, problem: str
) -> None:
    url: str = request.getfixturevalue(database)
    checked = await check_part("database", tmp_path, DIALTONE_DATABASE=url)
    assert checked.endswith("not there yet: the first start creates it")

    url = unreachable.format(NO_SERVER)
    checked = await check_part("database", tmp_path, DIALTONE_DATABASE=url)
    assert problem in checked
    assert "tops3cret" not in checked


OWN_DATABASE = """
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from adapters.databases.sqlite import open_sqlite_database

@asynccontextmanager
async def database(*, environ, phone_encryption):
    from pathlib import Path
    path = Path(environ["OWN_PATH"])
    async with open_sqlite_database(path, phone_encryption.key_fingerprint()) as opened:
        yield opened if "NO_TIME" in environ else replace(opened, read_time=read_time)

async def read_time():
    return datetime.now(UTC)
"""


class ClockAhead(SystemClock):
    """The clock of this machine, which may be wrong."""

    seconds = 0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.seconds)


@pytest.mark.parametrize("database", ["mongo_database", "postgres_database", "own"])
async def test_the_clock_is_compared_with_that_of_the_database(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database: str,
) -> None:
    monkeypatch.setattr("entrypoints.commands.operations.checks.SystemClock", ClockAhead)
    if database == "own":
        (tmp_path / "clocked_database.py").write_text(OWN_DATABASE)
        monkeypatch.syspath_prepend(tmp_path)
        load_secrets_file(tmp_path / "secrets.json", create_missing=True)
        place = "clocked_database:database"
        environ = {"DIALTONE_DATABASE": place, "OWN_PATH": str(tmp_path / "own.db")}
        without = await check_part("clock", tmp_path, **environ, NO_TIME="x")
        assert without == "ok the database does not say its time"
    else:
        environ = {"DIALTONE_DATABASE": request.getfixturevalue(database)}
    for seconds, line in (
        (0, "ok"),
        (10, "ok 10 s ahead of the database"),
        (360, "360 s ahead of the database: synchronize the clocks, such as by chrony."),
        (-360, "360 s behind the database: synchronize the clocks, such as by chrony."),
    ):
        monkeypatch.setattr(ClockAhead, "seconds", seconds)
        assert await check_part("clock", tmp_path, **environ) == line


async def test_a_bucket_is_written_read_and_left_empty(tmp_path: Path, s3_server: S3Server) -> None:
    environ = {
        "DIALTONE_MEDIA": f"s3://{s3_server.bucket}/check-settings",
        "DIALTONE_S3_ENDPOINT": s3_server.endpoint,
        "AWS_ACCESS_KEY_ID": s3_server.access_key,
        "AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
        "AWS_REGION": s3_server.region,
    }
    assert await check_part("media", tmp_path, **environ) == "ok"
    environ["DIALTONE_MEDIA"] = "s3://no-such-bucket"
    assert "no such bucket" in await check_part("media", tmp_path, **environ)


async def test_a_file_has_to_be_readable_at_the_public_url(tmp_path: Path) -> None:
    (tmp_path / "media" / ".unfinished").mkdir(parents=True)

    class FolderHandler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(tmp_path / "media"))

        def log_message(self, *_: object) -> None:
            pass

    with LocalServer(FolderHandler) as server:
        for path, text in (("", "ok"), ("/other", "is not readable at"), ("/other", "status 404")):
            url = server.url + path
            assert text in await check_part("media", tmp_path, DIALTONE_MEDIA_PUBLIC_URL=url)
    lost = await check_part("media", tmp_path, DIALTONE_MEDIA_PUBLIC_URL=server.url)
    assert lost.startswith("DIALTONE_MEDIA_PUBLIC_URL: ")
    assert "no response: ConnectionRefusedError" in lost
    assert await check_part("media", tmp_path) == "ok"
    assert [path.name for path in (tmp_path / "media").rglob("*")] == [".unfinished"]


async def test_the_check_of_twilio_sends_nothing(tmp_path: Path, twilio: FakeTwilio) -> None:
    assert await check_part("messages twilio", tmp_path, **with_twilio(twilio)) == "ok"
    assert {request.method for request in twilio.requests} == {"GET"}
    # A name is no number that could be called.
    environ = Service(tmp_path, with_twilio(twilio, TWILIO_FROM="Dialtone")).environ
    assert "phone line" not in connection_checks(read_settings(environ, None))


@pytest.mark.parametrize(
    ("part", "environ", "numbers", "voice_url", "line"),
    [
        ("messages twilio", {"TWILIO_AUTH_TOKEN": "wrong"}, {}, "", "TWILIO_AUTH_TOKEN"),
        ("messages twilio", {}, {f"{SENDER}1": True}, "", "does not have the number in TWILIO_FR"),
        ("messages twilio", {}, {SENDER: False}, "", "cannot send text messages"),
        (
            "messages twilio",
            {"TWILIO_FROM": "", "TWILIO_MESSAGING_SERVICE_SID": f"MG{'0' * 32}"},
            {}, "", "does not have the messaging service",
        ),
        ("phone line", {}, {SENDER: True}, "https://a.test/voice", "ok"),
        ("phone line", {}, {SENDER: True}, "https://b.test/voice", "ok Twilio does not report"),
        (
            "phone line",
            {"DIALTONE_SMS": "", "DIALTONE_VOICE": "twilio", "TWILIO_AUTH_TOKEN": "wrong"},
            {}, "", "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN",
        ),
        ("phone line", {}, {SENDER: True}, "https://demo.test/a", "ok Twilio does not send"),
        ("phone line", {}, {}, "https://a.test/voice", "ok it is no active number of the Twilio"),
        ("phone line", {}, {SENDER: True}, "", "The number that calls come from"),
    ],
)  # fmt: skip
async def test_each_problem_of_a_twilio_account_has_its_own_line(
    tmp_path: Path,
    twilio: FakeTwilio,
    part: str,
    environ: dict[str, str],
    numbers: dict[str, bool],
    voice_url: str,
    line: str,
) -> None:
    twilio.numbers, twilio.voice_url = numbers, voice_url
    twilio.status_url = "https://a.test/voice/status"
    if voice_url == "https://b.test/voice":
        environ = {"DIALTONE_PUBLIC_URL": "https://b.test"}
    environ = {"DIALTONE_PUBLIC_URL": "https://a.test", **environ}

    checked = await check_part(part, tmp_path, **with_twilio(twilio, **environ))

    assert line in checked
    assert checked.startswith("ok") == line.startswith("ok")
    assert twilio.messages == []
    assert {request.method for request in twilio.requests} <= {"GET"}


async def test_the_check_of_vonage_sends_nothing_and_says_what_it_cannot_check(
    tmp_path: Path, vonage: FakeVonage
) -> None:
    used = {"DIALTONE_SMS": "vonage", "DIALTONE_COUNTRIES": "US", **vonage.environ}
    part, unknown = "messages vonage", f"{'0' * 8}-0000-0000-0000-{'0' * 12}"

    checked = await check_part(part, tmp_path, **used)
    assert checked.startswith("ok VONAGE_FROM is not checked")
    checked = await check_part(part, tmp_path, **{**used, "VONAGE_APPLICATION_ID": unknown})
    assert "does not accept this service's credentials. Check VONAGE_APPLICATION_ID" in checked
    vonage.has_credit = False
    assert "Check VONAGE_APPLICATION_ID" in await check_part(part, tmp_path, **used)
    assert vonage.messages == []


async def test_a_provider_of_proofs_gets_a_request_and_a_wrong_secret_is_named(
    tmp_path: Path,
) -> None:
    with FakeSiteverify() as provider:
        environ = provider.environ
        checked = await check_part("attestation", tmp_path, **environ)
        assert checked == "ok the provider accepts the secret"
        wrong = environ | {"DIALTONE_ATTESTATION_SECRET": "tops3cret"}
        rejected = await check_part("attestation", tmp_path, **wrong)
    lost = await check_part("attestation", tmp_path, **environ)

    assert "the provider rejects the secret in DIALTONE_ATTESTATION_SECRET" in rejected
    assert "No proof can be checked, no connection to the provider (the connection was r" in lost
    for line in (rejected, lost):
        assert line.startswith("DIALTONE_ATTESTATION: ")
        assert "tops3cret" not in line
    altcha = await check_part("attestation", tmp_path, DIALTONE_ATTESTATION="altcha")
    assert altcha == "ok it asks no provider"


async def test_an_instance_with_another_issuer_is_named(tmp_path: Path) -> None:
    issuers = {"DIALTONE_TOKEN_ISSUER": "staging", "DIALTONE_FORMER_ISSUERS": "dialtone"}
    settings = read_settings(Service(tmp_path, issuers).environ, None)
    async with open_use_cases(settings, []) as use_cases:
        await use_cases.operations.instance.renew()

        assert await check_part("database", tmp_path, DIALTONE_TOKEN_ISSUER="staging") == "ok"
        assert "dialtone: 1 with staging. " in await check_part("database", tmp_path)
        note = await check_part("database", tmp_path, DIALTONE_FORMER_ISSUERS="staging")
        assert "dialtone: 1 with staging" in note
