"""Who the audit names as the operator of a command."""

import os
import pwd
import socket

import pytest

from entrypoints.commands.shared.operator_name import find_operator


def test_the_operator_is_the_real_user_and_not_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("LOGNAME", "USER", "USERNAME"):
        monkeypatch.setenv(variable, "somebody-else")
    monkeypatch.delenv("SUDO_USER", raising=False)

    assert find_operator().actor.id == pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize(
    ("uid", "sudo_user", "given", "shown"),
    [
        (0, "alice", "", ("root", "by sudo of alice")),
        (0, "a\nb", "", ("root", "")),
        (0, "ops", "jane", ("jane", "root@web-1 by sudo of ops")),
        (4_000_000_001, "", "", ("uid 4000000001", "")),
    ],
)
def test_the_user_of_sudo_and_the_account_are_shown_beside_the_name(
    monkeypatch: pytest.MonkeyPatch, uid: int, sudo_user: str, given: str, shown: tuple[str, str]
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: uid)
    monkeypatch.setattr(socket, "gethostname", lambda: "web-1")
    monkeypatch.setenv("SUDO_USER", sudo_user)

    actor = find_operator(given).actor if given else find_operator().actor

    assert (actor.id, actor.name) == shown
