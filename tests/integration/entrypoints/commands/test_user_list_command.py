"""`dialtone user list`."""

import csv
import json
from collections.abc import Iterator

import pytest

from tests.integration.entrypoints.commands.test_user_commands import sign_up
from tests.support.forked_service import ForkedService, running
from tests.support.service import REASON


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedService]:
    with running(tmp_path_factory.mktemp("service") / "service") as service:
        yield service


def test_users_are_printed_as_json_lines_and_as_csv(service: ForkedService) -> None:
    ids = [sign_up(service, f"+1415559000{number}", f"=1+{number}") for number in range(2)]

    lines = service.run("user", "list", *REASON).stdout.splitlines()
    blocked = service.run("user", "list", "--blocked", "true", "--format", "csv", *REASON)
    table = service.run("user", "list", "--format", "csv", "--created-since=2026-01-01", *REASON)
    audit = json.loads(service.run("audit", "--json").stdout)

    users = [json.loads(line) for line in lines]
    assert [user["id"] for user in users] == ids
    rows = [*csv.DictReader(table.stdout.splitlines())]
    assert [row["username"] for row in rows] == ["'=1+0", "'=1+1"]
    assert [row["number"] for row in rows] == [f"'{user['number']}" for user in users]
    assert [*csv.DictReader(blocked.stdout.splitlines())] == []
    assert sorted(entry["count"] for entry in audit if entry["action"] == "list_users") == [0, 2, 2]


def test_without_a_reason_or_with_two_filters_nothing_is_listed(service: ForkedService) -> None:
    assert service.run("user", "list").returncode == 2
    for options in (["--blocked", "true", "--role", "member"], ["--created-since", "now"]):
        shown = service.run("user", "list", *options, *REASON)
        assert (shown.returncode, shown.stdout) == (2, "")
