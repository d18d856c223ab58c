"""`dialtone restore-check`: its files, its options and what is left.

`tests/e2e/test_restored_backup.py` restores a backup.
"""

from pathlib import Path
from typing import Final

import pytest

from tests.support.forked_service import ForkedService
from tests.support.service import REASON, Service

ID: Final = "6561a2b0c3d4e5f60718293a"
GONE: Final = f'{{"time": "2026-05-01T09:30:00.123Z", "action": "delete", "id": "{ID}"}}\n'
BLOCKED: Final = (
    f'{{"time": "2026-05-02T09:30:00Z", "action": "block", "phone_index": "{"a" * 64}", '
    '"index_key": "%s"}\n'
)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service that never ran."""
    service = ForkedService(tmp_path)
    assert service.run("user", "count").stdout == "0\n"
    return service


def test_all_files_are_read_and_lines_that_are_none_are_counted(service: Service) -> None:
    (service.folder / "1").write_text(GONE)
    (service.folder / "2").write_text(f"{GONE}\n{GONE[:30]}")

    checked = service.run("restore-check", "--journal", "1", "--journal", "2")

    assert checked.returncode == 1
    assert checked.stderr == "Lines that could not be read: 1. Look at them.\n"
    assert checked.stdout.splitlines() == [
        "journal: 2 lines, from 2026-05-01 09:30:00 UTC to 2026-05-01 09:30:00 UTC",
        "lines that could not be read: 1",
        "newest record of the service in the database, about the time of the backup: not known",
        "in effect: 1",
    ]
    assert service.run("restore-check", "--journal", "1").returncode == 0


def test_lines_of_another_index_key_need_its_secrets_file(service: Service) -> None:
    other = service.folder / "other.json"
    assert service.run("keys", "generate", str(other)).returncode == 0
    key = other.read_text().partition('"phone_index"')[2].partition('"id": "')[2][:8]
    (service.folder / "1").write_text(BLOCKED % key)
    listed = service.run("restore-check", "--journal", "1")
    assert f"its index key {key} is missing" in listed.stdout

    # It is known now, and this database has its phones under another one.
    checked = service.run("restore-check", "--journal", "1", "--secrets", "other.json")
    assert checked.returncode == 1
    assert "no account has this phone: dialtone user block NUMBER" in checked.stdout


def test_lines_before_a_time_are_left_out(service: Service) -> None:
    (service.folder / "1").write_text(GONE + BLOCKED % "0badc0de")
    arguments = ("restore-check", "--journal", "1", "--since")

    assert service.run(*arguments, "2026-05-02").stdout.startswith("journal: 1 lines")
    assert service.run(*arguments, "2026-05-03T00:00:00+02:00").stdout.startswith("journal: 0 ")


def test_what_is_wrong_is_said(service: Service) -> None:
    (service.folder / "1").write_text(GONE)
    for arguments, status, problem in (
        ([], 2, "--journal FILE is missing"),
        (["--journal", "absent"], 1, "absent cannot be read: No such file"),
        (["--journal", "1", "--since", "yesterday"], 2, "--since: a time is written like"),
        (["--journal", "1", "--apply"], 2, "--reason"),
        (["--journal", "1", *REASON], 2, "--reason and --as are for --apply"),
    ):
        failed = service.run("restore-check", *arguments)
        assert (failed.returncode, problem in failed.stderr) == (status, True)
