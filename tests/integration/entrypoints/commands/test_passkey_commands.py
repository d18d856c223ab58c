"""The commands about passkeys, and what `check-settings` says of administrators without one."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.test_start import sign_in
from tests.support.forked_service import ForkedService, running
from tests.support.service import REASON

PHONE = "+14155591000"
NAMES = {
    "DIALTONE_WEB_CONSOLE": "yes",
    "DIALTONE_PUBLIC_URL": "http://localhost:8000",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedService]:
    with running(tmp_path_factory.mktemp("service") / "service", NAMES) as service:
        yield service


def test_an_operator_invites_and_check_settings_names_who_has_none(service: ForkedService) -> None:
    sign_in(service, PHONE)
    refused = service.run("user", "passkey-invite", PHONE, *REASON)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Only staff signs in with passkeys" in refused.stderr
    service.run("user", "promote", PHONE, *REASON)
    invited = service.run("user", "passkey-invite", PHONE, *REASON)
    assert invited.stdout.startswith("http://localhost:8000/console/passkeys/enrol#")
    assert len(invited.stdout.splitlines()) == 1
    assert service.run("user", "passkeys", PHONE).stdout == "There are no passkeys.\n"
    assert json.loads(service.run("user", "passkeys", PHONE, "--json").stdout) == []
    lost = service.run("user", "passkey-remove", PHONE, "--all", *REASON)
    assert "There is no such passkey" in lost.stderr
    user = json.loads(service.run("user", "show", PHONE, "--json").stdout)
    user_id = user["account"]["id"]
    assert user["passkeys"] == []
    entries = json.loads(service.run("audit", PHONE, "--json").stdout)
    assert "invite_passkey" in [entry["action"] for entry in entries]
    service.settings["DIALTONE_STAFF_PASSKEYS"] = "required"
    for options in ((), ("--connect",)):
        checked = service.run("check-settings", *options)
        assert checked.returncode == 1
        assert f"no passkey: {user_id}" in checked.stderr
        assert PHONE not in checked.stdout + checked.stderr
    service.run("user", "demote", PHONE, *REASON)
    assert "Each administrator has a passkey" in service.run("check-settings").stdout
