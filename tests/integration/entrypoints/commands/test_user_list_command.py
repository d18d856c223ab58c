"""`dialtone user list`."""

import csv
import json

from tests.support.commands import CommandLine, json_lines
from tests.support.service import REASON


def test_users_are_printed_as_json_lines_and_as_csv(dialtone: CommandLine) -> None:
    ids = [dialtone.add_user(f"+1415559000{number}", f"=1+{number}") for number in range(2)]

    lines = dialtone.run("user", "list", *REASON).stdout.splitlines()
    blocked = dialtone.run("user", "list", "--blocked", "true", "--format", "csv", *REASON)
    table = dialtone.run("user", "list", "--format", "csv", "--created-since=2026-01-01", *REASON)
    audit = json_lines(dialtone.run("audit", "--json").stdout)

    users = [json.loads(line) for line in lines]
    assert [user["id"] for user in users] == ids
    rows = [*csv.DictReader(table.stdout.splitlines())]
    assert [row["username"] for row in rows] == ["'=1+0", "'=1+1"]
    assert [row["number"] for row in rows] == [f"'{user['number']}" for user in users]
    assert [*csv.DictReader(blocked.stdout.splitlines())] == []
    assert sorted(entry["count"] for entry in audit if entry["action"] == "list_users") == [0, 2, 2]
