"""`check-settings` shows what differs; with `--connect` it names each part that does not work."""

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from adapters.operations.system import SystemRandomness
from adapters.security.encryption import AesPhoneEncryption
from adapters.security.keys.document import generate_entry
from adapters.security.keys.keys import load_secrets_file
from application.features.voice.call_urls import CallUrls
from application.ports.errors import ConfigurationError, PortError
from application.ports.keys import KeyPurpose
from application.ports.webhooks import SignatureCoverage
from entrypoints.commands.features import voice
from entrypoints.commands.operations import check_settings as check_settings_module
from entrypoints.commands.operations.checks import connection_checks
from entrypoints.composition.read_settings import read_settings
from entrypoints.composition.settings import FIELDS
from entrypoints.composition.use_cases import open_use_cases
from entrypoints.parts import connection_checks as connection_checks_module
from entrypoints.parts.connection_checks import CheckResult
from entrypoints.settings.rules import Check
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import StartupError
from tests.support.commands import CommandLine
from tests.support.keys import FakeKeyRing, create_secrets_file
from tests.support.servers.fake_hook import SECRET
from tests.support.servers.fake_siteverify import FakeSiteverify
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.http_server import LocalServer
from tests.support.service import Service
from tests.support.voice.right_voice import RightVoice

SENDER = "+15005550006"
NO_SERVER = "127.0.0.1:1"
HOOK = f"http://{NO_SERVER}"


def test_what_differs_from_the_defaults_is_shown_and_then_the_result(tmp_path: Path) -> None:
    url = "mongodb://me:tops3cret@db.test/dialtone"
    settings = {"DIALTONE_APP_NAME": "Acme", "DIALTONE_DATABASE": url}
    dialtone = CommandLine(tmp_path, settings)

    shown = dialtone.run("check-settings").stdout.splitlines()
    everything = dialtone.run("check-settings", "--all").stdout.splitlines()

    rows = [tuple(line.split()) for line in shown if line.endswith("environment")]
    assert ("DIALTONE_APP_NAME", "Acme", "environment") in rows
    assert ("DIALTONE_DATABASE", "mongodb://db.test", "environment") in rows
    assert not [line for line in shown if line.endswith("default")]
    assert shown[-1] == "The settings are valid."
    assert [line.split()[0] for line in everything[: len(FIELDS)]] == list(FIELDS)
    assert everything[-1] == shown[-1]
    assert "tops3cret" not in str([shown, everything])


def test_a_name_that_is_no_setting_is_the_error_of_valid_settings(tmp_path: Path) -> None:
    line = "DIALTONE_DATABSE: This is not a setting. Did you mean DIALTONE_DATABASE?"
    unknown = {"DIALTONE_DATABSE": "tops3cret", "DIALTONE_PORT": "tcp://10.0.0.7:8000"}
    alone = CommandLine(tmp_path, unknown).run("check-settings")
    among_others = CommandLine(tmp_path, unknown | {"DIALTONE_WORKERS": "0"}).run("check-settings")

    assert (alone.returncode, alone.stderr) == (1, "These are not settings: DIALTONE_DATABSE.\n")
    assert line in alone.stdout.splitlines()
    assert "valid" not in alone.stdout
    assert (among_others.returncode, among_others.stderr.splitlines()[-1]) == (2, line)
    assert "tops3cret" not in str([alone, among_others])
    assert "DIALTONE_PORT" not in str([alone, among_others])


def test_keys_that_a_start_refuses_are_an_error(tmp_path: Path) -> None:
    load_secrets_file(tmp_path / "secrets.json", create_missing=True)
    dialtone = CommandLine(tmp_path)
    assert dialtone.run("check-settings").stdout.endswith("The settings are valid.\n")
    (tmp_path / "secrets.json").chmod(0o644)
    checked = dialtone.run("check-settings")
    assert checked.returncode != 0
    assert "are valid" not in checked.stdout
    assert "Other users have access to the secrets file" in checked.stderr


def test_a_day_that_a_flood_of_strangers_uses_up_is_noted(tmp_path: Path) -> None:
    def notes(**settings: str) -> list[str]:
        variables = {f"DIALTONE_SMS_LIMIT_{name}": text for name, text in settings.items()}
        shown = CommandLine(tmp_path, variables).run("check-settings").stdout.splitlines()
        return [line.partition(":")[0] for line in shown if "flood of strangers" in line]

    assert notes() == []
    assert notes(PER_COUNTRY="1000/1h,1440/1d", TOTAL="9/1h") == []
    assert notes(PER_COUNTRY="1000/1h,1439/1d") == ["DIALTONE_SMS_LIMIT_PER_COUNTRY"]
    both = ["DIALTONE_SMS_LIMIT_PER_COUNTRY", "DIALTONE_SMS_LIMIT_TOTAL"]
    assert notes(ALL_FACTOR="2") == both


# `--connect`


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


@pytest.fixture
def checks_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the checks one after another, and not in a process for each."""

    def run_here(checks: Mapping[str, Check], _: object) -> dict[str, CheckResult]:
        return {name: connection_checks_module._run(check) for name, check in checks.items()}

    monkeypatch.setattr(check_settings_module, "run_checks", run_here)


@pytest.mark.usefixtures("checks_run_here")
def test_keys_that_are_older_than_the_database_are_named(tmp_path: Path) -> None:
    dialtone = CommandLine(tmp_path)
    dialtone.add_user("+14155592001", "Asha Rao")
    with closing(sqlite3.connect(tmp_path / "dialtone.db")) as connection, connection:
        connection.execute("UPDATE database_metadata SET encryption_key_id = '0000000b'")
    ended = dialtone.run("check-settings", "--connect")
    assert ended.returncode == 1
    assert "they lack the key 0000000b of phone_encryption" in ended.stdout


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
from application.ports.errors import MessengerUnavailable

class Messenger:
    async def send(self, phone, message): ...

class ReportingMessenger(Messenger):
    def read_statuses(self, request): ...
    def answer_handshake(self, request): ...

class BrokenMessenger(Messenger):
    async def check(self):
        raise MessengerUnavailable("the gateway is closed")

def opening(adapter):
    @asynccontextmanager
    async def open_it(*, environ):
        yield adapter()
    return open_it

simple, reporting, broken = map(opening, (Messenger, ReportingMessenger, BrokenMessenger))
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
        "DIALTONE_SMS": f"console,own:simple,own:reporting,own:broken,{HOOK}/tops3cret",
        "DIALTONE_SMS_HOOK_SECRET": SECRET,
        "DIALTONE_PUBLIC_URL": "https://dialtone.example.org/app",
        "DIALTONE_COUNTRIES": "US",
        "DIALTONE_DATABSE": "x",
    }
    ended = CommandLine(tmp_path, environ).run("check-settings", "--connect")

    assert ended.returncode == 1
    parts = parts_of(ended.stdout)
    for part, text in {
        "keys": "is invalid",
        "database": "is no SQLite database",
        "media": "something else has its name",
        "messages console": "ok",
        "messages own:simple": "ok (it was opened; it has no health check)",
        "messages own:reporting": "statuses are posted to https://dialtone.example.org/app/sms/status",
        "messages own:broken": "the gateway is closed",
        f"messages {HOOK}": f"DIALTONE_SMS: There is no connection to the hook {HOOK} (the conn",
    }.items():
        assert text in parts[part]
    assert "Did you mean DIALTONE_DATABASE?" in ended.stdout
    assert "5 of 8 parts do not work." in ended.stderr
    assert "tops3cret" not in ended.stdout + ended.stderr


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
async def test_a_database_on_a_server_and_its_clock_are_checked(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    database: str,
    unreachable: str,
    problem: str,
) -> None:
    environ = {"DIALTONE_DATABASE": request.getfixturevalue(database)}
    checked = await check_part("database", tmp_path, **environ)
    assert checked.endswith("not there yet: the first start creates it")
    assert await check_part("clock", tmp_path, **environ) == "ok"

    environ = {"DIALTONE_DATABASE": unreachable.format(NO_SERVER)}
    checked = await check_part("database", tmp_path, **environ)
    assert problem in checked
    assert "tops3cret" not in checked


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
    assert [path.name for path in (tmp_path / "media").rglob("*")] == [".unfinished"]


VOICE_URL = "https://a.test/voice"


@pytest.mark.parametrize(
    ("part", "environ", "numbers", "voice_url", "line"),
    [
        ("messages twilio", {}, {SENDER: True}, "", "ok"),
        ("messages twilio", {"TWILIO_AUTH_TOKEN": "wrong"}, {}, "", "TWILIO_AUTH_TOKEN"),
        ("messages twilio", {}, {f"{SENDER}1": True}, "", "does not have the number in TWILIO_FR"),
        ("messages twilio", {}, {SENDER: False}, "", "cannot send text messages"),
        (
            "messages twilio",
            {"TWILIO_FROM": "", "TWILIO_MESSAGING_SERVICE_SID": f"MG{'0' * 32}"},
            {}, "", "does not have the messaging service",
        ),
        ("phone line", {}, {SENDER: True}, VOICE_URL, "ok"),
        ("phone line", {}, {SENDER: True}, "https://demo.test/a", "ok Twilio does not send"),
        ("phone line", {}, {}, VOICE_URL, "ok it is no active number of the Twilio"),
    ],
)  # fmt: skip
async def test_an_account_of_twilio_is_checked_without_a_message(
    tmp_path: Path,
    twilio: FakeTwilio,
    part: str,
    environ: dict[str, str],
    numbers: dict[str, bool],
    voice_url: str,
    line: str,
) -> None:
    twilio.numbers, twilio.voice_url = numbers, voice_url
    twilio.status_url = f"{VOICE_URL}/status"
    used = {"DIALTONE_SMS": "twilio", "DIALTONE_COUNTRIES": "US", **twilio.environ, **environ}
    used["DIALTONE_PUBLIC_URL"] = "https://a.test"

    checked = await check_part(
        part, tmp_path, **{name: text for name, text in used.items() if text}
    )

    assert line in checked
    assert checked.startswith("ok") == line.startswith("ok")
    assert {request.method for request in twilio.requests} <= {"GET"}


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
    assert "tops3cret" not in rejected


async def test_an_instance_with_another_issuer_is_named(tmp_path: Path) -> None:
    issuers = {"DIALTONE_TOKEN_ISSUER": "staging", "DIALTONE_FORMER_ISSUERS": "dialtone"}
    settings = read_settings(Service(tmp_path, issuers).environ, None)
    async with open_use_cases(settings, []) as use_cases:
        await use_cases.operations.instance.renew()

        assert await check_part("database", tmp_path, DIALTONE_TOKEN_ISSUER="staging") == "ok"
        assert "dialtone: 1 with staging. " in await check_part("database", tmp_path)
        note = await check_part("database", tmp_path, DIALTONE_FORMER_ISSUERS="staging")
        assert "dialtone: 1 with staging" in note


# What it says of the phone line


def urls_in(lines: Sequence[str]) -> list[str]:
    return [line.partition("HTTP POST  ")[2] for line in lines if "HTTP POST" in line]


class UnsignedUrls(RightVoice):
    signature_coverage = SignatureCoverage(url=False)


@asynccontextmanager
async def open_unsigned(*, environ: Mapping[str, str]) -> AsyncIterator[UnsignedUrls]:
    yield UnsignedUrls()


async def check_with_signatures(settings: Settings) -> list[str]:
    find_checks: Any = voice.SHOW_VOICE_URLS.flag_value
    note: str = await find_checks(settings)["phone line"]()
    return note.splitlines()


async def test_urls_with_a_signature_of_the_service_are_shown_only_if_asked_for(
    tmp_path: Path,
) -> None:
    own = {
        "DIALTONE_PUBLIC_URL": "https://dialtone.example.org/app",
        "DIALTONE_SECRETS_FILE": str(tmp_path / "secrets.json"),
        "DIALTONE_COUNTRIES": "US",
        "DIALTONE_VOICE": f"{__name__}:{open_unsigned.__name__}",
    }
    settings = read_settings(own, None)
    hidden = await connection_checks(settings)["phone line"]()
    with pytest.raises(StartupError, match="which needs its keys"):
        await check_with_signatures(settings)
    keys = create_secrets_file(tmp_path / "secrets.json")
    shown = await check_with_signatures(settings)

    assert "--show-voice-urls shows them" in hidden
    assert "signature=" not in hidden
    assert urls_in(hidden.splitlines()) == []
    (key,) = keys[KeyPurpose.PHONE_INDEX]
    hashes = AesPhoneEncryption(key.key, FakeKeyRing(), SystemRandomness())
    expected = CallUrls(settings.public_url, hashes)
    assert urls_in(shown) == [expected.voice(), expected.fallback(), expected.call_status()]
