"""Warnings of pumping, as commands show them while a service runs."""

import json

from tests.support.service import REASON
from tests.support.walker import Walker


def test_commands_list_and_end_warnings(walker: Walker) -> None:
    run = walker.service.run

    assert run("pumping", "list").stdout == "There are no warnings.\n"
    assert json.loads(run("pumping", "list", "--json").stdout) == {"warnings": []}
    ended = run("pumping", "end", "0" * 24, *REASON)
    assert ended.returncode != 0
    assert "No warning with this id is open" in ended.stderr
    wrong = run("pumping", "end", "GB", *REASON)
    assert "This is not the id of a warning" in wrong.stderr
