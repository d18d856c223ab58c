"""`dialtone user` as an operator uses it."""

import json
import os
import pty
import pwd
import re
import socket
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zipfile import ZipFile

import httpx
import pytest

from entrypoints.bootstrap import open_use_cases
from entrypoints.settings.read import read_settings
from tests.e2e.test_start import sign_in
from tests.support.forked_service import ForkedService, running
from tests.support.images import still_gif
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import REASON, Service

BROKEN_MEDIA: Final = """
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.disk import open_disk_files
from adapters.system import SystemClock
from application.ports.errors import MediaStorageUnavailable

class Broken:
    def __init__(self, files):
        self.files = files

    def __getattr__(self, name):
        return getattr(self.files, name)

    @asynccontextmanager
    async def open_file(self, storage_key, start=0, stop=None):
        raise MediaStorageUnavailable("The media store is away.")
        yield

@asynccontextmanager
async def open_media(*, environ):
    async with open_disk_files(Path("media"), "http://media", SystemClock()) as files:
        yield Broken(files)
"""
NO_ACCOUNT: Final = "This phone has no account.\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedService]:
    with running(tmp_path_factory.mktemp("service") / "service") as service:
        yield service


@pytest.fixture
def phone(request: pytest.FixtureRequest) -> str:
    """A phone of its own for each test."""
    number = request.session.stash.setdefault(_PHONES, iter(range(1000, 2000)))
    return f"+1415559{next(number)}"


@pytest.fixture
def new_phone(phone: str) -> str:
    """Another phone of this test."""
    return phone.replace("559", "560")


_PHONES: Final = pytest.StashKey[Iterator[int]]()


def sign_up(service: Service, phone: str, username: str) -> str:
    """Create an account, and return its id."""
    user_id, _ = sign_up_and_in(service, phone, username)
    return user_id


def sign_up_and_in(service: Service, phone: str, username: str) -> tuple[str, dict[str, str]]:
    """Create an account, and return its id and the headers of its requests."""
    headers = {"Authorization": f"Bearer {sign_in(service, phone)}"}
    body = {"username": username, "number": phone}
    response = httpx.post(f"{service.url}/users", json=body, headers=headers, **PLAIN_HTTP)
    return response.json()["user_id"], headers


def audit_of(service: Service, user: str) -> list[dict[str, Any]]:
    """Return the entries about a user, the newest first."""
    entries: list[dict[str, Any]] = json.loads(service.run("audit", user, "--json").stdout)
    return entries


def actions_of(service: Service, user: str) -> list[str]:
    return [entry["action"] for entry in audit_of(service, user)]


def test_a_user_is_shown_by_phone_name_and_id_and_the_number_is_masked(
    service: Service, phone: str
) -> None:
    user_id = sign_up(service, phone, "Asha Rao")

    shown = [service.run("user", "show", user) for user in (phone, "asha  RAO", user_id)]

    assert {ended.returncode for ended in shown} == {0}
    assert len({ended.stdout for ended in shown}) == 1
    output = shown[0].stdout
    for part in (user_id, f"+1********{phone[-2:]}", "Asha Rao", "member", "sms console accepted"):
        assert part in output
    assert re.search(r"^verification: +messages: .*; attempts: ", output, re.MULTILINE)
    assert phone not in "".join(ended.stdout + ended.stderr for ended in shown)
    assert actions_of(service, user_id) == []


def test_users_are_counted(service: Service, phone: str) -> None:
    before = json.loads(service.run("user", "count", "--json").stdout)
    assert before["is_estimate"] is False
    sign_up(service, phone, "Counted One")

    counted = service.run("user", "count")

    assert counted.stdout == f"{before['users'] + 1}\n"


def test_a_full_number_is_in_the_audit_with_its_reason(service: Service, phone: str) -> None:
    user_id = sign_up(service, phone, "Full Number")

    shown = service.run(
        "user", "show", user_id, "--full-number", "--reason", f"she called from {phone}"
    )

    assert phone in shown.stdout
    (entry,) = audit_of(service, phone)
    assert (entry["action"], entry["subject"]) == ("view_phone", user_id)
    assert entry["reason"] == "she called from +***********"
    assert entry["actor"]["kind"] == "operating_system_user"
    assert entry["actor"]["is_claim"]


def test_a_phone_without_an_account_is_shown_as_one(service: Service, phone: str) -> None:
    shown = service.run("user", "show", phone)
    as_json = json.loads(service.run("user", "show", phone, "--json").stdout)

    assert (shown.returncode, shown.stdout.startswith(NO_ACCOUNT)) == (0, True)
    assert "messages: now" in shown.stdout
    assert (as_json["account"], as_json["number"]) == (None, f"+1********{phone[-2:]}")


@pytest.mark.parametrize(
    "action", ["sign-out", "delete", "export", "change-phone", "promote", "demote", "restore"]
)
def test_what_needs_an_account_says_that_there_is_none(service: Service, action: str) -> None:
    options = {
        "delete": ["--yes"],
        "export": ["--output", "nobody.zip"],
        "change-phone": ["+14155590006"],
    }

    ended = service.run("user", action, "+14155590001", *options.get(action, []), *REASON)

    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", NO_ACCOUNT)
    assert not (service.folder / "nobody.zip").exists()


@pytest.mark.parametrize(
    ("user", "status", "problem"),
    [
        ("nobody at all", 1, "no account with this username"),
        ("0" * 24, 1, "no account with this id"),
        ("\x1b[2J\n", 2, "not a user"),
        ("\udcff", 2, "not a user"),
        ("", 2, "not a user"),
    ],
)
def test_an_unknown_user_is_an_error_that_says_what_was_looked_for(
    service: Service, user: str, status: int, problem: str
) -> None:
    ended = service.run("user", "block", user, *REASON)

    assert (ended.returncode, ended.stdout) == (status, "")
    assert problem in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert "\x1b" not in ended.stderr


def test_digits_that_are_a_phone_and_a_name_are_an_error_that_lists_both_ids(
    service: Service, phone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(service.settings, "DIALTONE_DEFAULT_REGION", "US")
    national = phone.removeprefix("+1")
    owner = sign_up(service, phone, "Owner")
    namesake = sign_up(service, "+14155590002", national)
    impostor = sign_up(service, "+14155590003", owner)

    ended = service.run("user", "block", national, *REASON)
    by_plus = service.run("user", "show", phone)
    by_id = service.run("user", "show", owner)

    assert ended.returncode == 1
    assert owner in ended.stderr
    assert namesake in ended.stderr
    assert f"account:            {owner}" in by_plus.stdout
    assert f"account:            {owner}" in by_id.stdout
    assert impostor not in by_id.stdout
    assert actions_of(service, owner) == []


def test_no_code_is_shown_to_the_operator_who_sends_one(service: Service, phone: str) -> None:
    sent = service.run("user", "send-code", phone, "--locale", "de", *REASON)

    assert sent.returncode == 0
    assert f"A code is on its way to +1********{phone[-2:]}." in sent.stdout
    assert "It has attempts of its own" in sent.stdout
    assert "****** ist Ihr Dialtone-Code" in sent.stderr
    assert "terminal of the service" in sent.stderr
    lines = [line for line in sent.stderr.splitlines() if not line.startswith("{")]
    assert not re.search(r"\d{4}", "\n".join(lines) + sent.stdout)
    assert phone not in sent.stdout + sent.stderr


def test_a_code_is_sent_within_the_limits_which_can_be_reset_twice_a_day(
    service: Service, phone: str
) -> None:
    def run(action: str) -> tuple[int, str]:
        ended = service.run("user", action, phone, *REASON)
        return ended.returncode, ended.stdout + ended.stderr

    assert run("send-code")[0] == 0
    status, output = run("send-code")
    assert (status, "Nothing was sent" in output) == (1, True)
    assert re.search(r"possible at \d\d:\d\d:\d\d UTC", output)
    for left in (1, 0):
        assert f"Resets left today: {left}" in run("reset-limits")[1]
        assert run("send-code")[0] == 0
    status, output = run("reset-limits")
    assert (status, "reset twice within a day" in output) == (1, True)
    assert run("block")[0] == 0
    status, output = run("send-code")
    assert (status, "dialtone user unblock" in output) == (1, True)


def test_what_is_done_for_a_user_is_in_the_audit_under_one_name(
    service: Service, phone: str
) -> None:
    user_id, masked = sign_up(service, phone, "Everything"), f"+1********{phone[-2:]}"
    expected = {
        "block": f"{masked} is blocked now.\n",
        "unblock": f"{masked} is not blocked now.\n",
        "promote": f"{user_id} is an administrator now. All sessions have ended: sign in again.\n",
        "demote": f"{user_id} is a member now.\n",
        "sign-out": f"{masked} is signed out; revoked sessions: 0.\n",
    }

    outputs = {
        action: service.run("user", action, "everything", *REASON).stdout for action in expected
    }

    assert outputs == expected
    assert actions_of(service, phone) == [*reversed([a.replace("-", "_") for a in expected])]
    listed = service.run("audit", user_id, "--limit", "1").stdout
    assert re.fullmatch(
        rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC  operator .+ \(a claim\)"
        rf"  sign_out  {user_id}  reason: a test\n",
        listed,
    )


async def test_an_account_that_lost_its_phone_gets_it_back(
    service: ForkedService, phone: str
) -> None:
    user_id = sign_up(service, phone, "Lost My Phone")
    async with open_use_cases(read_settings(service.environ, None), ()) as use_cases:
        identities = use_cases.repositories.identities
        loaded = await identities.load(user_id)
        assert loaded is not None
        await identities.replace(loaded.value.detach(datetime.now(UTC)), loaded.version)

    done = service.run("user", "restore", user_id, *REASON)
    again = service.run("user", "restore", user_id, *REASON)

    assert done.stdout == (
        f"{user_id} has its phone again. Its owner signs in and chooses a username.\n"
    )
    assert (again.returncode, "has not lost its phone number" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["user", "block", "everything"],
        ["user", "show", "everything", "--full-number"],
        ["user", "change-phone", "everything", "+14155590006"],
        ["admin-token", "create", "--name", "a", "--scope", "users:read"],
        ["import", "users", "users.csv"],
        ["import", "hookaba", "--from", "mongodb://127.0.0.1:9/hookaba"],
    ],
    ids=" ".join,
)
def test_no_act_is_done_without_a_reason(service: Service, arguments: list[str]) -> None:
    before = service.run("audit", "--limit", "1000").stdout

    missing = service.run(*arguments)
    blank = service.run(*arguments, "--reason", " ")

    assert (missing.returncode, blank.returncode) == (2, 2)
    assert "--reason" in missing.stderr.splitlines()[-1]
    assert "--reason: " in blank.stderr.splitlines()[-1]
    assert service.run("audit", "--limit", "1000").stdout == before


def test_who_acts_is_beside_the_account_of_the_system(
    service: Service, phone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
    monkeypatch.setitem(service.settings, "DIALTONE_ACTOR", "Jane Doe")

    by_variable = service.run("user", "unblock", phone, *REASON)
    by_option = service.run("user", "unblock", phone, *REASON, "--as", "ben")
    invalid = service.run("user", "unblock", phone, *REASON, "--as", " ")

    assert (by_variable.returncode, by_option.returncode) == (0, 0)
    assert (invalid.returncode, invalid.stderr.partition(": ")[0]) == (2, "--as")
    ben, jane = service.run("audit", phone).stdout.splitlines()
    assert f"operator ben ({account}, a claim)" in ben
    assert f"operator Jane Doe ({account}, a claim)" in jane
    assert service.run("audit", "--by", "operating_system_user:ben").stdout == f"{ben}\n"


def test_a_failed_act_has_a_second_entry_that_says_so(service: Service, phone: str) -> None:
    service.run("user", "sign-out", phone, "--reason", "lost it")

    failed, begun = service.run("audit", phone).stdout.splitlines()

    assert begun.endswith("reason: lost it")
    assert failed.endswith("failed: user_not_found")


def test_deleting_needs_a_yes_and_says_what_remains(service: Service, phone: str) -> None:
    user_id = sign_up(service, phone, "Delete Me")

    refused = service.run("user", "delete", phone, *REASON)
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
    assert "status:             active" in service.run("user", "show", user_id).stdout

    deleted = service.run("user", "delete", phone, "--yes", "--reason", "lost the phone")
    assert deleted.returncode == 0
    assert deleted.stdout.startswith(f"{user_id} is deleted. What remains:\n- until ")
    assert service.run("user", "show", phone).stdout.startswith(NO_ACCOUNT)
    assert "deleted 2" in service.run("user", "show", user_id).stdout
    assert (
        service.run("user", "delete", user_id, "--yes", *REASON).stderr
        == "This account was deleted.\n"
    )
    assert actions_of(service, user_id) == ["delete", "delete", "delete"]


@pytest.mark.parametrize(("answer", "status"), [(b"no\n", 1), (b"\x04", 1), (b"yes\n", 0)])
def test_on_a_terminal_deleting_needs_a_confirmation(
    service: ForkedService, phone: str, answer: bytes, status: int
) -> None:
    user_id = sign_up(service, phone, f"Asked {phone[-3:]}")
    terminal, stdin = pty.openpty()
    os.write(terminal, answer)

    ended = service.run("user", "delete", phone, *REASON, stdin=stdin)
    os.close(stdin)
    os.close(terminal)

    assert ended.returncode == status
    for part in (user_id, f"+1********{phone[-2:]}", f"Asked {phone[-3:]}", "Type yes"):
        assert part in ended.stderr
    assert phone not in ended.stdout + ended.stderr
    assert actions_of(service, user_id) == ["delete"] * (status == 0)


def test_an_export_is_a_file_of_its_own_that_only_its_owner_reads(
    service: Service, phone: str
) -> None:
    user_id = sign_up(service, phone, "Export Me")
    path = service.folder / "export.zip"

    exported = service.run("user", "export", phone, "--output", "export.zip", *REASON)
    again = service.run("user", "export", phone, "--output", "export.zip", *REASON)

    assert (exported.returncode, exported.stdout.startswith("export.zip has the data")) == (0, True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with ZipFile(path) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("account.json"))["phone"] == phone
    assert (again.returncode, again.stderr) == (1, "export.zip exists: name another file.\n")
    assert actions_of(service, user_id) == ["export"]


def test_an_export_that_fails_on_its_way_leaves_no_file(
    service: Service, phone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id, headers = sign_up_and_in(service, phone, "No File")
    httpx.post(
        f"{service.url}/library/upload",
        files={"file": ("a.gif", still_gif(), "image/gif")},
        data={"user_id": user_id},
        headers=headers,
        **PLAIN_HTTP,
    )
    (service.folder / "broken_media.py").write_text(BROKEN_MEDIA)
    monkeypatch.setitem(service.settings, "DIALTONE_MEDIA", "broken_media:open_media")

    ended = service.run("user", "export", phone, "--output", "part.zip", *REASON)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "The media store is away.\n"
    assert not (service.folder / "part.zip").exists()
    failed, _ = audit_of(service, phone)
    assert failed["error"] == "media_storage_unavailable"


def test_an_operator_gives_a_user_who_lost_the_number_another_one(
    service: Service, phone: str, new_phone: str
) -> None:
    user_id, headers = sign_up_and_in(service, phone, "Lost It")
    service.run("user", "promote", user_id, *REASON)

    changed = service.run("user", "change-phone", phone, new_phone, "--reason", "passport")

    assert changed.returncode == 0
    first, *others = changed.stdout.splitlines()
    masked, new_masked = (f"+1********{number[-2:]}" for number in (phone, new_phone))
    assert first == f"{user_id} has the number {new_masked} now. Before, it had {masked}."
    [deadline] = re.findall(r"can undo this until (\S+ \S+ UTC)", changed.stdout)
    assert others[-1].endswith(f"is a member now until dialtone user promote {user_id}.")
    assert f"To {masked}: Your Dialtone account has another phone number" in changed.stderr
    for number in (phone, new_phone):
        assert number not in changed.stdout + changed.stderr
    assert httpx.get(f"{service.url}/users/me", headers=headers, **PLAIN_HTTP).status_code == 401
    sign_in(service, new_phone)
    held, shown = (service.run("user", "show", user).stdout for user in (phone, user_id))
    assert held.startswith(NO_ACCOUNT)
    until = f"{deadline.removesuffix(' UTC')}:"
    assert f"account {user_id}, which has another number: undo is possible until {until}" in held
    assert f"undo possible:      by a former number, until {until}" in shown
    entry, *_ = audit_of(service, user_id)
    assert (entry["action"], entry["reason"]) == ("change_phone", "passport")
    blocked = service.run("user", "block", phone, *REASON).stdout.splitlines()
    assert blocked[0] == f"{masked} is blocked now."
    assert blocked[1].startswith(f"It is held for account {user_id}, which has another number: ")
    assert blocked[1].endswith(", but not while it is blocked.")


def test_a_blocked_account_stays_blocked_and_its_former_number_cannot_undo(
    service: Service, phone: str, new_phone: str
) -> None:
    user_id = sign_up(service, phone, "Blocked And Lost")
    service.run("user", "block", phone, *REASON)

    changed = service.run("user", "change-phone", user_id, new_phone, "--reason", "passport")

    assert f"nobody signs in until dialtone user unblock {user_id}." in changed.stdout
    assert "signs in with the new number" not in changed.stdout
    held = service.run("user", "show", phone).stdout
    assert " UTC, but not while it is blocked\n" in held
    service.run("user", "unblock", phone, *REASON)
    assert "while it is blocked" not in service.run("user", "show", phone).stdout


def test_a_former_number_that_was_stolen_cannot_undo_and_is_free(
    service: Service, phone: str, new_phone: str
) -> None:
    user_id = sign_up(service, phone, "Stolen")
    change = ("user", "change-phone", user_id)

    changed = service.run(*change, new_phone, "--no-undo", "--reason", "police report")

    assert "No former number can undo this" in changed.stdout
    assert "undo it" not in changed.stderr
    assert "held for" not in service.run("user", "show", phone).stdout
    # Nothing resets the messages of a number: its cooldown is not over.
    service.run("user", "reset-limits", phone, *REASON)
    sign_up(service, phone, "Next Owner")
    in_use = service.run(*change, phone, "--reason", "found it")
    assert (in_use.returncode, in_use.stdout) == (1, "")
    assert in_use.stderr.startswith(f"The number was not changed. +1********{phone[-2:]} has an")
    assert actions_of(service, user_id) == ["change_phone"] * 3


def test_the_audit_names_a_user_who_changed_the_own_number(
    service: Service, phone: str, new_phone: str
) -> None:
    user_id, headers = sign_up_and_in(service, phone, "By Herself")
    url = f"{service.url}/users/me/phone"
    requested = httpx.post(
        f"{url}/request-otp", json={"phone": new_phone}, headers=headers, **PLAIN_HTTP
    )
    body = {
        "phone": new_phone,
        "otp": service.code(new_phone),
        "request_id": requested.json()["request_id"],
    }
    assert httpx.post(url, json=body, headers=headers, **PLAIN_HTTP).status_code == 200

    listed = service.run("audit", "--by", f"user:{user_id}")

    assert listed.stdout.endswith(f" UTC  user {user_id}  change_phone  {user_id}\n")
    assert len(listed.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("new_number", "options", "status", "problem"),
    [
        ("+14155590004", [], 2, "--reason: say how you made sure"),
        ("+14155590004", ["--reason", " "], 2, "--reason: say how you made sure"),
        ("nonsense", ["--reason", "passport"], 2, "NEW_NUMBER: This is not a phone number"),
        ("+19005550100", ["--reason", "passport"], 2, "NEW_NUMBER: This is a premium-rate"),
        ("+4915112345678", ["--reason", "passport"], 1, "DIALTONE_COUNTRIES does not have DE"),
        ("+15005550006", ["--reason", "passport"], 1, "fixed code for tests"),
        ("+14155590005", ["--reason", "passport"], 1, "has this number already"),
    ],
)
def test_a_number_that_an_account_cannot_get_is_one_sentence(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    new_number: str,
    options: list[str],
    status: int,
    problem: str,
) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    test_otps = f"+15005550006=271828@{tomorrow:%Y-%m-%d}"
    monkeypatch.setitem(service.settings, "DIALTONE_TEST_OTPS", test_otps)
    monkeypatch.setitem(service.settings, "DIALTONE_COUNTRIES", "US")
    sign_in(service, "+14155590005")

    ended = service.run("user", "change-phone", "+14155590005", new_number, *options)

    assert (ended.returncode, ended.stdout) == (status, "")
    assert problem in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert new_number not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["user", "show", "+14155590001", "--reason", "x" * 501], "--reason: "),
        (["user", "send-code", "+14155590001", "--locale", "?", *REASON], "--locale: "),
        (["user", "export", "+14155590001", "--output", "-", *REASON], "path of a file"),
        (["audit", "--by", "robot:1"], "--by: "),
        (["audit", "--limit", "0"], "--limit"),
    ],
)
def test_invalid_arguments_do_nothing(service: Service, arguments: list[str], problem: str) -> None:
    ended = service.run(*arguments)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert problem in ended.stderr


def test_the_audit_is_filtered_by_who_acted_and_follows_pages(service: Service, phone: str) -> None:
    for _ in range(2):
        service.run("user", "unblock", phone, *REASON)
    everything = json.loads(service.run("audit", "--json", "--limit", "1000").stdout)
    actor = everything[0]["actor"]
    subject = everything[0]["subject"]

    by_actor = service.run("audit", "--json", "--limit", "1000", "--by", f"{actor['kind']}:root")
    by_nobody = service.run("audit", phone, "--by", "administrator:nobody")

    assert (by_actor.stdout == "[]\n") == (actor["id"] != "root")
    assert by_nobody.stdout.startswith("There are no entries.")
    assert len(audit_of(service, subject)) == 2
