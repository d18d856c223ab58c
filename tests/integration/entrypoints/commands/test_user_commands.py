"""`dialtone user` as an operator uses it."""

import io
import json
import re
import stat
from typing import Any, Final
from zipfile import ZipFile

import pytest

from tests.support.commands import CommandLine, json_lines
from tests.support.service import REASON

PHONE: Final = "+14155591042"
MASKED: Final = "+1********42"
NO_ACCOUNT: Final = "This phone has no account.\n"


@pytest.fixture
def user_id(dialtone: CommandLine) -> str:
    return dialtone.add_user(PHONE, "Asha Rao")


def audit_of(dialtone: CommandLine, user: str) -> list[dict[str, Any]]:
    """Return the entries about a user since the account was created, the newest first."""
    entries: list[dict[str, Any]] = json_lines(dialtone.run("audit", user, "--json").stdout)
    return [entry for entry in entries if entry["action"] != "create_user"]


def actions_of(dialtone: CommandLine, user: str) -> list[str]:
    return [entry["action"] for entry in audit_of(dialtone, user)]


def test_a_user_is_shown_by_phone_name_and_id_and_the_number_is_masked(
    dialtone: CommandLine, user_id: str
) -> None:
    reset = dialtone.run("user", "reset-limits", PHONE, *REASON)
    assert "Resets left today: 1" in reset.stdout

    shown = [dialtone.run("user", "show", user) for user in (PHONE, "asha  RAO", user_id)]

    assert {ended.returncode for ended in shown} == {0}
    assert len({ended.stdout for ended in shown}) == 1
    output = shown[0].stdout
    for part in (user_id, MASKED, "Asha Rao", "member", "resets left:"):
        assert part in output
    assert re.search(r"^  state: +messages: .*; attempts: ", output, re.MULTILINE)
    assert PHONE not in "".join(ended.stdout + ended.stderr for ended in shown)
    assert actions_of(dialtone, user_id) == ["reset_limits"]
    assert dialtone.run("user", "count").stdout == "1\n"
    full = dialtone.run("user", "show", user_id, "--full-number", "--reason", "she called")
    assert PHONE in full.stdout
    assert actions_of(dialtone, user_id) == ["view_phone", "reset_limits"]


def test_what_is_wrong_is_one_line_and_nothing_is_done(dialtone: CommandLine) -> None:
    for line, status, problem in (
        (["user", "block", "nobody at all", *REASON], 1, "no account with this username"),
        (["user", "block", "0" * 24, *REASON], 1, "no account with this id"),
        (["user", "block", "\x1b[2J\n", *REASON], 2, "not a user"),
        (["user", "block", PHONE, "--reason", " "], 2, "--reason: "),
        (["user", "rename", PHONE, "Support", *REASON], 2, "NEW_USERNAME: "),
        (["user", "export", PHONE, "--output", "-", *REASON], 2, "path of a file"),
        (["audit", "--by", "robot:1"], 2, "--by: "),
    ):
        ended = dialtone.run(*line)
        assert (ended.returncode, ended.stdout, problem in ended.stderr) == (status, "", True)
        assert len(ended.stderr.splitlines()) == 1
        assert "\x1b" not in ended.stderr
    assert dialtone.run("audit").stdout.startswith("There are no entries.")


def test_what_is_done_for_a_user_is_in_the_audit_under_one_name(
    dialtone: CommandLine, user_id: str
) -> None:
    expected = {
        "block": f"{MASKED}: Phone blocked\n",
        "unblock": f"{MASKED}: Phone unblocked\n",
        "promote": f"{MASKED}: User promoted. The role is administrator, and all sessions have "
        "ended.\n",
        "demote": f"{MASKED}: User demoted\nThis was the last administrator: now only commands do "
        "what administrators do. dialtone user promote makes somebody one.\n",
        "sign-out": f"{MASKED}: Sessions that have ended: 0. Passkeys stay.\n",
    }

    outputs = {
        action: dialtone.run("user", action, "asha rao", *REASON).stdout for action in expected
    }

    assert outputs == expected
    done = [action.replace("-", "_") for action in expected]
    assert actions_of(dialtone, PHONE) == [*reversed(done)]
    listed = dialtone.run("audit", user_id, "--limit", "1").stdout
    assert re.fullmatch(
        rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC  operator .+ \(a claim\)"
        rf"  sign_out  {user_id}  reason: a test\n",
        listed,
    )
    renamed = dialtone.run("user", "rename", PHONE, "User 4711", *REASON)
    assert renamed.stdout == f"{MASKED}: User renamed. The username is User 4711.\n"
    for text in ("crm-7", ""):
        named = dialtone.run("user", "external-id", PHONE, text, *REASON)
        assert named.stdout == f"{MASKED}: External id changed. It is {text or 'none'}.\n"
    detached = dialtone.run("user", "detach", PHONE, *REASON)
    assert f"Keep the id of the account, {user_id}" in detached.stdout
    dialtone.run("user", "block", PHONE, *REASON, "--as", "ben")
    assert " operator ben (" in dialtone.run("audit", "--by", "operating_system_user:ben").stdout


@pytest.mark.parametrize(("answer", "status"), [("no\n", 1), ("yes\n", 0)])
def test_deleting_needs_a_yes_also_on_a_terminal(
    dialtone: CommandLine,
    user_id: str,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    status: int,
) -> None:
    refused = dialtone.run("user", "delete", PHONE, *REASON)
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)

    ended = dialtone.run("user", "delete", PHONE, *REASON)

    assert ended.returncode == status
    for part in (user_id, MASKED, "Asha Rao", "dialtone user block"):
        assert part in ended.stderr
    assert PHONE not in ended.stdout + ended.stderr
    assert ("is deleted. What remains:\n- sessions" in ended.stdout) is (status == 0)
    assert (": deleted by the next cleanup, at 20" in ended.stdout) is (status == 0)
    assert actions_of(dialtone, user_id) == ["delete"] * (status == 0)


def test_an_export_is_a_file_of_its_own_that_only_its_owner_reads(
    dialtone: CommandLine, user_id: str
) -> None:
    path = dialtone.folder / "export.zip"

    exported = dialtone.run("user", "export", PHONE, "--output", "export.zip", *REASON)
    again = dialtone.run("user", "export", PHONE, "--output", "export.zip", *REASON)

    assert (exported.returncode, exported.stdout.startswith("export.zip has the data")) == (0, True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with ZipFile(path) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("account.json"))["phone"] == PHONE
    assert (again.returncode, again.stderr) == (1, "export.zip exists: name another file.\n")
    assert actions_of(dialtone, user_id) == ["export"]


def test_an_operator_gives_a_user_who_lost_the_number_another_one(
    dialtone: CommandLine, user_id: str
) -> None:
    new_phone, new_masked = "+14155600043", "+1********43"
    dialtone.run("user", "promote", user_id, *REASON)

    changed = dialtone.run("user", "change-phone", PHONE, new_phone, "--reason", "passport")

    assert changed.returncode == 0
    first, *others = changed.stdout.splitlines()
    assert first == f"{user_id} has the number {new_masked} now. Before, it had {MASKED}."
    promote = f"dialtone user promote {user_id} --role administrator."
    assert others[-1].endswith(f"is a member now until {promote}")
    assert f"To {MASKED}: Your Dialtone account has another phone number" in changed.stderr
    for number in (PHONE, new_phone):
        assert number not in changed.stdout + changed.stderr
    assert NO_ACCOUNT in dialtone.run("user", "show", PHONE).stdout
