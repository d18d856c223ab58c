"""Codes that are entered, counted by a service that runs."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.walker import walking


def test_a_code_that_was_entered_is_counted_before_the_service_ends(tmp_path: Path) -> None:
    folder = tmp_path / "service"
    with walking(folder) as walker:
        walker.sign_in("+14155571401")
        walker.http.post("/auth/request-otp", json={"phone": "+14155571402"})
    (database,) = folder.rglob("*.db")
    with closing(sqlite3.connect(database)) as connection:
        bodies = connection.execute("SELECT body FROM conversion_hours").fetchall()
    sources = [each for (body,) in bodies for each in json.loads(body)["sources"]]
    assert sum(each["sent"] for each in sources) == 2
    assert sum(each["entered"] for each in sources) == 1
    assert {each["source"]["provider"] for each in sources} == {"console"}
