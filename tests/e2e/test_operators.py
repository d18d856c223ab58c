"""Commands of an operator, which take effect at once in the running service."""

from pathlib import Path
from typing import Final

from tests.support.client import sign_in
from tests.support.service import REASON, ForkedService

BROKEN_MESSAGES: Final = {
    "DIALTONE_SMS": "missing_module:open_messenger",
    "DIALTONE_COUNTRIES": "US",
    "DIALTONE_SMS_TEMPLATES_DIR": "/dev/null/templates",
    "DIALTONE_CALL_TEXTS": "/dev/null/texts.toml",
}
BROKEN_MEDIA: Final = {"DIALTONE_MEDIA": "file:///dev/null/media"}
BROKEN_LIMITS: Final = {"DIALTONE_LIMIT_STORE": "missing_module:open_limits"}


def test_a_command_works_while_parts_that_it_does_not_need_are_broken(tmp_path: Path) -> None:
    phone = "+14155590020"
    service = ForkedService(tmp_path / "service").start()
    sign_in(service, phone)
    service.stop()
    service.settings |= BROKEN_MESSAGES

    for command in ("cleanup", "media check", "media rebuild-variants"):
        ended = service.run(*command.split())
        assert ended.returncode == 0, ended
    change = ("user", "change-phone", phone, "+14155590021", "--reason", "passport")
    unchanged = service.run(*change)
    assert (unchanged.returncode, "DIALTONE_SMS" in unchanged.stderr) == (1, True)
    service.settings |= BROKEN_MEDIA
    assert "DIALTONE_MEDIA: " in service.run("cleanup").stderr
    service.settings |= BROKEN_LIMITS
    shown = service.run("user", "show", phone)
    assert (shown.returncode, "DIALTONE_LIMIT_STORE: " in shown.stderr) == (1, True)
    assert "DIALTONE_LIMIT_STORE: " in service.run("cleanup").stderr
    for command in (
        *("user reset-limits", "user block", "user unblock", "user sign-out", "user promote"),
        *("user demote", "user delete --yes", "audit"),
    ):
        reason = () if command == "audit" else REASON
        ended = service.run(*command.split(), phone, *reason)
        assert ended.returncode == 0, ended
    assert service.run("admin-token", "list").returncode == 0
    unknown = service.run("user", "sign-out", "0" * 24, *REASON)
    assert unknown.stderr == "There is no account with this id, and none with this username.\n"
