"""PgBouncer in transaction mode, in front of a PostgreSQL.

    python -m tests.support.servers.pgbouncer [argument of pytest ...]

runs tests whose PostgreSQL is behind it. If it is missing, root installs its Debian package; for
another user no test runs, and the reason is printed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

from tests.support.servers.postgres import PostgresProcess, PostgresServer, as_user, make_folder
from tests.support.servers.process import (
    ServerProcess,
    ServerUnavailable,
    find_or_install,
    free_ports,
    interrupt_on_signals,
)

POOL_SIZE: Final = 3
"""Its connections to each database: fewer than one process of the service has to it."""


class PgBouncerProcess(ServerProcess):
    """A PgBouncer, which needs no password. As root it runs as another user, as PostgreSQL does.

    Args:
        folder: Its folder.
        server: The server behind it.
    """

    name = "pgbouncer"
    server: PostgresServer

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        super().__init__(folder)
        (self.port,) = free_ports(1)
        target = urlsplit(server.url)
        self.server = PostgresServer(
            f"postgresql://{target.username}@127.0.0.1:{self.port}{target.path}"
        )
        self._settings = make_folder()
        self._lines = [
            "[databases]",
            f"* = host={target.hostname} port={target.port} user={target.username}",
            "[pgbouncer]",
            "listen_addr = 127.0.0.1",
            f"listen_port = {self.port}",
            "unix_socket_dir =",
            "auth_type = any",
            "pool_mode = transaction",
            f"default_pool_size = {POOL_SIZE}",
            "max_client_conn = 500",
            # A database that is to be dropped has no connection that nobody uses for long.
            "server_idle_timeout = 5",
        ]

    def command(self) -> list[str]:
        file = self._settings / "pgbouncer.ini"
        file.write_text("\n".join([*self._lines, ""]), encoding="utf-8")
        return [*as_user(), str(find_or_install("pgbouncer")), str(file)]

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        shutil.rmtree(self._settings, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """Run tests with a PostgreSQL behind PgBouncer, and return the exit code of pytest."""
    interrupt_on_signals()
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            find_or_install("pgbouncer")
        except ServerUnavailable as error:
            print(f"No test ran behind PgBouncer: {error}")
            return 1
        with (
            PostgresProcess(folder / "postgres") as process,
            PgBouncerProcess(folder / "pgbouncer", process.server) as pgbouncer,
        ):
            environ = {**os.environ, **pgbouncer.server.exports()}
            command = [sys.executable, "-m", "pytest", *arguments]
            return subprocess.run(command, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
