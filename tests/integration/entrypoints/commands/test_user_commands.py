"""`dialtone user` as an operator uses it."""

import json
import os
import pty
import pwd
import re
import socket
import stat
from collections.abc import Iterator
from typing import Any, Final
from zipfile import ZipFile

import httpx
import pytest

from entrypoints.words.code_words import ONLY_IN_LOG
from tests.e2e.test_start import sign_in
from tests.support.forked_service import ForkedService, running
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import REASON, Service, said

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
    assert service.run("user", "count").returncode == 0
    for part in (
        user_id,
        f"+1********{phone[-2:]}",
        "Asha Rao",
        "member",
        "provider console, status accepted",
    ):
        assert part in output
    assert re.search(r"^  state: +messages: .*; attempts: ", output, re.MULTILINE)
    assert phone not in "".join(ended.stdout + ended.stderr for ended in shown)
    assert actions_of(service, user_id) == []


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


def test_what_needs_an_account_says_that_there_is_none(service: Service) -> None:
    shown = service.run("user", "show", "+14155590001")
    assert (shown.returncode, NO_ACCOUNT in shown.stdout) == (0, True)
    assert ONLY_IN_LOG in shown.stdout
    for action, *options in (["export", "--output", "nobody.zip"], ["sign-out"]):
        ended = service.run("user", action, "+14155590001", *options, *REASON)
        assert (ended.returncode, ended.stdout, said(ended)) == (1, "", NO_ACCOUNT)
    assert not (service.folder / "nobody.zip").exists()
    failed, *_ = service.run("audit", "+14155590001").stdout.splitlines()
    assert failed.endswith("failed: user_not_found")


def test_an_unknown_user_is_an_error_that_says_what_was_looked_for(service: Service) -> None:
    for user, status, problem in (
        ("nobody at all", 1, "no account with this username"),
        ("0" * 24, 1, "no account with this id"),
        ("\x1b[2J\n", 2, "not a user"),
    ):
        ended = service.run("user", "block", user, *REASON)
        assert (ended.returncode, ended.stdout, problem in ended.stderr) == (status, "", True)
        assert len(ended.stderr.splitlines()) == 1
        assert "\x1b" not in ended.stderr


def test_no_code_is_shown_to_the_operator_who_sends_one(service: Service, phone: str) -> None:
    sent = service.run("user", "send-code", phone, "--locale", "de", *REASON)

    assert sent.returncode == 0
    assert f"A code is on its way to +1********{phone[-2:]}." in sent.stdout
    assert "It has attempts of its own" in sent.stdout
    assert "****** ist Ihr Dialtone-Code" in sent.stderr
    assert "terminal of the service" in sent.stderr
    assert not re.search(r"\d{4}", said(sent) + sent.stdout)
    assert phone not in sent.stdout + sent.stderr
    again = service.run("user", "send-code", phone, *REASON)
    assert again.returncode == 1
    assert re.search(r"Nothing was sent.* possible at \d\d:\d\d:\d\d UTC", again.stderr)
    assert "Resets left today: 1" in service.run("user", "reset-limits", phone, *REASON).stdout


def test_what_is_done_for_a_user_is_in_the_audit_under_one_name(
    service: Service, phone: str
) -> None:
    user_id, masked = sign_up(service, phone, "Everything"), f"+1********{phone[-2:]}"
    expected = {
        "block": f"{masked} is blocked now.\n",
        "unblock": f"{masked} is not blocked now.\n",
        "promote": f"{user_id} has the role administrator now. All sessions have ended: sign in "
        "again.\n",
        "demote": f"{user_id} is a member now.\nThis was the last administrator: now only commands "
        "do what administrators do. dialtone user promote makes somebody one.\n",
        "sign-out": f"{masked} is signed out; revoked sessions: 0.\n",
    }

    not_lost = service.run("user", "restore", "everything", *REASON)
    outputs = {
        action: service.run("user", action, "everything", *REASON).stdout for action in expected
    }

    assert (not_lost.returncode, "has not lost its phone number" in not_lost.stderr) == (1, True)
    assert outputs == expected
    done = ["restore", "restore", *(action.replace("-", "_") for action in expected)]
    assert actions_of(service, phone) == [*reversed(done)]
    listed = service.run("audit", user_id, "--limit", "1").stdout
    assert re.fullmatch(
        rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC  operator .+ \(a claim\)"
        rf"  sign_out  {user_id}  reason: a test\n",
        listed,
    )


def test_no_act_is_done_for_a_blank_reason(service: Service) -> None:
    before = service.run("audit", "--limit", "1000").stdout
    for arguments in (
        ["user", "block", "everything"],
        ["user", "show", "everything", "--full-number"],
        ["user", "change-phone", "everything", "+14155590006"],
        ["admin-token", "create", "--name", "a", "--scope", "users:read"],
        ["import", "users", "users.csv"],
        ["import", "hookaba", "--from", "mongodb://127.0.0.1:9/hookaba"],
    ):
        blank = service.run(*arguments, "--reason", " ")
        assert blank.returncode == 2
        assert "--reason: " in blank.stderr.splitlines()[-1]
    assert service.run("audit", "--limit", "1000").stdout == before


def test_who_acts_is_beside_the_account_of_the_system(service: Service, phone: str) -> None:
    user = pwd.getpwuid(os.getuid()).pw_name
    account = f"{user}@{socket.gethostname()}"

    by_default = service.run("user", "unblock", phone, *REASON)
    by_option = service.run("user", "unblock", phone, *REASON, "--as", "ben")
    invalid = service.run("user", "unblock", phone, *REASON, "--as", " ")

    assert (by_default.returncode, by_option.returncode) == (0, 0)
    assert (invalid.returncode, invalid.stderr.partition(": ")[0]) == (2, "--as")
    ben, unnamed = service.run("audit", phone).stdout.splitlines()
    assert f"operator ben ({account}, a claim)" in ben
    assert f"operator {user} (a claim)" in unnamed
    assert service.run("audit", "--by", "operating_system_user:ben").stdout == f"{ben}\n"


def test_deleting_needs_a_yes_and_says_what_remains(service: Service, phone: str) -> None:
    user_id = sign_up(service, phone, "Delete Me")

    refused = service.run("user", "delete", phone, *REASON)
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
    assert "An account of a member." in service.run("user", "show", user_id).stdout

    deleted = service.run("user", "delete", phone, "--yes", "--reason", "lost the phone")
    assert deleted.returncode == 0
    assert deleted.stdout.startswith(f"{user_id} is deleted. What remains:\n- until ")
    assert NO_ACCOUNT in service.run("user", "show", phone).stdout
    assert "This account was deleted." in service.run("user", "show", user_id).stdout
    again = service.run("user", "delete", user_id, "--yes", *REASON)
    assert said(again) == "This account was deleted.\n"
    assert actions_of(service, user_id) == ["delete", "delete", "delete"]


@pytest.mark.parametrize(("answer", "status"), [(b"no\n", 1), (b"yes\n", 0)])
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
    for part in (user_id, f"+1********{phone[-2:]}", f"Asked {phone[-3:]}", "dialtone user block"):
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
    promote = f"dialtone user promote {user_id} --role administrator."
    assert others[-1].endswith(f"is a member now until {promote}")
    assert f"To {masked}: Your Dialtone account has another phone number" in changed.stderr
    for number in (phone, new_phone):
        assert number not in changed.stdout + changed.stderr
    assert httpx.get(f"{service.url}/users/me", headers=headers, **PLAIN_HTTP).status_code == 401
    sign_in(service, new_phone)
    held, shown = (service.run("user", "show", user).stdout for user in (phone, user_id))
    assert "This phone has no account, and is held for the one that had it." in held
    until = f"{deadline.removesuffix(' UTC')}:"
    assert re.search(rf"^hold:\n  user id: +{user_id}\n  undo until: +{until}", held, re.MULTILINE)
    assert re.search(rf"^  undo deadlines: +{until}", shown, re.MULTILINE)
    entry, *_ = audit_of(service, user_id)
    assert (entry["action"], entry["reason"]) == ("change_phone", "passport")
    blocked = service.run("user", "block", phone, *REASON).stdout.splitlines()
    assert blocked[0] == f"{masked} is blocked now."
    assert blocked[1].startswith(f"It is held for account {user_id}, which has another number: ")
    assert blocked[1].endswith(", but not while it is blocked.")


def test_a_former_number_that_was_stolen_cannot_undo(
    service: Service, phone: str, new_phone: str
) -> None:
    user_id = sign_up(service, phone, "Stolen")

    changed = service.run(
        "user", "change-phone", user_id, new_phone, "--no-undo", "--reason", "police report"
    )

    assert "No former number can undo this" in changed.stdout
    assert "undo it" not in changed.stderr
    assert "hold:" not in service.run("user", "show", phone).stdout


def test_a_number_that_an_account_cannot_get_is_one_sentence(
    service: Service, phone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(service.settings, "DIALTONE_COUNTRIES", "US")
    sign_in(service, phone)
    for new_number, reason, status, problem in (
        ("+14155590004", "", 2, "--reason: say how you made sure"),
        ("nonsense", "passport", 2, "NEW_NUMBER: This is not a phone number"),
        ("+4915112345678", "passport", 1, "DIALTONE_COUNTRIES does not have DE"),
        (phone, "passport", 1, "has this number already"),
    ):
        ended = service.run("user", "change-phone", phone, new_number, f"--reason={reason}")
        assert (ended.returncode, ended.stdout, problem in ended.stderr) == (status, "", True)
        assert len(said(ended).splitlines()) == 1
        assert new_number not in ended.stderr


def test_invalid_arguments_do_nothing(service: Service) -> None:
    for arguments, problem in (
        (["user", "send-code", "+14155590001", "--locale", "?", *REASON], "--locale: "),
        (["user", "export", "+14155590001", "--output", "-", *REASON], "path of a file"),
        (["audit", "--by", "robot:1"], "--by: "),
        (["audit", "--limit", "0"], "--limit"),
    ):
        ended = service.run(*arguments)
        assert (ended.returncode, ended.stdout, problem in ended.stderr) == (2, "", True)
