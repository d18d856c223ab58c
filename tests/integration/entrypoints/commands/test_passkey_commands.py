"""The commands about passkeys, and what `check-settings` says of administrators without one."""

import json
from pathlib import Path
from typing import Final

from tests.support.commands import CommandLine, json_lines
from tests.support.service import REASON

PHONE: Final = "+14155591000"
NAMES: Final = {
    "DIALTONE_WEB_CONSOLE": "yes",
    "DIALTONE_PUBLIC_URL": "http://localhost:8000",
}


def test_an_operator_invites_and_check_settings_names_who_has_none(tmp_path: Path) -> None:
    dialtone = CommandLine(tmp_path, NAMES)
    user_id = dialtone.add_user(PHONE, "Asha Rao")
    refused = dialtone.run("user", "passkey-invite", PHONE, *REASON)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Only staff signs in to the console" in refused.stderr
    dialtone.run("user", "promote", PHONE, *REASON)
    invited = dialtone.run("user", "passkey-invite", PHONE, *REASON)
    assert invited.stdout.startswith("http://localhost:8000/console/passkeys/enrol#")
    assert len(invited.stdout.splitlines()) == 1
    assert dialtone.run("user", "passkeys", PHONE).stdout == "There are no passkeys.\n"
    assert json_lines(dialtone.run("user", "passkeys", PHONE, "--json").stdout) == []
    lost = dialtone.run("user", "passkey-remove", PHONE, "--all", *REASON)
    assert "There is no such passkey" in lost.stderr
    user = json.loads(dialtone.run("user", "show", PHONE, "--json").stdout)
    assert (user["passkeys"], user["console_passkeys"]) == ([], [])
    entries = json_lines(dialtone.run("audit", PHONE, "--json").stdout)
    assert "invite_passkey" in [entry["action"] for entry in entries]
    required = CommandLine(tmp_path, {**NAMES, "DIALTONE_STAFF_PASSKEYS": "required"})
    checked = required.run("check-settings")
    assert checked.returncode == 1
    assert f"no passkey: {user_id}" in checked.stderr
    assert PHONE not in checked.stdout + checked.stderr
    dialtone.run("user", "demote", PHONE, *REASON)
    assert "Each administrator has a passkey" in required.run("check-settings").stdout
