"""The lines for PostgreSQL that `dialtone backup` and `restore` print, with Debian's programs."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.client import me, sign_in
from tests.support.servers.postgres import PostgresProcess
from tests.support.servers.process import find_or_install
from tests.support.service import ForkedService, Service

PHONE, LATER = "+14155594001", "+14155594002"
WITHOUT_USER, UNKNOWN = 404, 401


class DebianPostgres(PostgresProcess):
    """The server of Debian: its `pg_dump` refuses a server that is newer than itself."""

    def program(self, name: str) -> list[str]:
        server = find_or_install("postgres", "postgresql").resolve()
        return [*super().program(name)[:-1], str(server.with_name(name))]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DebianPostgres]:
    with DebianPostgres(tmp_path / "postgres") as server:
        server.server.execute("CREATE DATABASE dialtone ENCODING UTF8 TEMPLATE template0")
        yield server


def run_printed_line(service: Service, command: str, file: Path) -> None:
    """Run the line that a command prints, as an operator would."""
    printed = service.run(command, str(file))
    assert printed.returncode == 1
    (line,) = (line for line in printed.stderr.splitlines() if line.startswith("  pg_"))
    environ = {"DIALTONE_DATABASE": service.settings["DIALTONE_DATABASE"], "PATH": "/usr/bin:/bin"}
    finished = subprocess.run(
        ["/bin/sh", "-c", line], env=environ, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr


def test_a_dump_of_a_running_service_is_restored_after_its_stop(
    server: DebianPostgres, tmp_path: Path
) -> None:
    folder = tmp_path / "service"
    folder.mkdir()
    url = server.server.database_url("dialtone")
    service = ForkedService(folder, {"DIALTONE_DATABASE": url}).start()
    token = sign_in(service, PHONE)
    run_printed_line(service, "backup", folder / "dialtone dump")
    later_token = sign_in(service, LATER)
    named = service.run("backup", "--fingerprint")
    assert "It has the fingerprint of the secrets file" in named.stdout, named.stderr
    assert "for 2 phones" in named.stdout
    assert service.stop() == 0

    run_printed_line(service, "restore", folder / "dialtone dump")

    service.start()
    assert [me(service, token), me(service, later_token)] == [WITHOUT_USER, UNKNOWN]
    assert "The database has everything" in service.run("migrate", "--dry-run").stdout
    assert service.stop() == 0
