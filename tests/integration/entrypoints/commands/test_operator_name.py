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
    ("sudo_user", "shown"),
    [("alice", "by sudo of alice"), ("root", ""), ("a\nb", ""), ("", "")],
)
def test_the_user_of_sudo_is_shown_beside_the_real_one(
    monkeypatch: pytest.MonkeyPatch, sudo_user: str, shown: str
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", sudo_user)

    actor = find_operator().actor
    assert (actor.id, actor.name) == ("root", shown)


def test_an_operator_with_a_name_is_shown_with_account_machine_and_sudo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(socket, "gethostname", lambda: "web-1")
    monkeypatch.setenv("SUDO_USER", "ops")

    actor = find_operator("jane").actor

    assert (actor.id, actor.name) == ("jane", "root@web-1 by sudo of ops")


def test_a_user_without_a_name_is_shown_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_001)
    monkeypatch.delenv("SUDO_USER", raising=False)

    assert find_operator().actor.id == "uid 4000000001"
