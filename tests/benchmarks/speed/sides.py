"""All sides, running at the same time: those that are not measured are idle."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from adapters.system import count_processors
from tests.benchmarks.databases import CreateDatabase
from tests.benchmarks.load import encode_request
from tests.benchmarks.speed.baseline.install import FlaskProcess, install_baseline
from tests.benchmarks.speed.cells import (
    Cell,
    HttpCell,
    ProgramCell,
    RequestCodes,
    WrongCodes,
    get_with_tokens,
    make_photo,
    upload_with_tokens,
)
from tests.benchmarks.speed.processes import THIS_TREE, Floor, HttpProcess, ServiceProcess, Tree
from tests.benchmarks.speed.wrk import write_requests

USERS: Final = 10_000
ITEMS: Final = 1_000
UPLOADERS: Final = 8
NO_LOG: Final = ", no log"
QUIET: Final = {"DIALTONE_LOG_LEVEL": "warning"}
TWO_WORKERS: Final = ", 2 workers"
WORKERS: Final = "DIALTONE_WORKERS"
_SPEED: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Service:
    """A service with users, and where its requests are written."""

    process: ServiceProcess
    folder: Path
    users: Mapping[str, Any]

    def with_settings(self, suffix: str, settings: Mapping[str, str]) -> "Service":
        """Return another service with the same database and other settings."""
        process = ServiceProcess(self.process.name + suffix, self.folder, settings)
        return replace(self, process=process)

    def get(self, scenario: str, path: str, kind: str = "long") -> HttpCell:
        """Return a cell whose requests have the tokens of all users."""
        return self._cell(scenario, get_with_tokens(path, self.users[kind]))

    def live(self) -> HttpCell:
        """Return the cell of a request without a token."""
        return self._cell("live", [encode_request("GET", "/health/live")])

    def upload(self, photo: bytes) -> HttpCell:
        """Return the cell of uploads by some of the users."""
        ids, tokens = (self.users[name][:UPLOADERS] for name in ("ids", "long"))
        return self._cell("upload", upload_with_tokens(photo, ids, tokens))

    def codes(self) -> list[Cell]:
        """Return the cells that request codes and guess them."""
        files = (self.folder / name for name in ("request-code", "wrong-code"))
        requested = RequestCodes(self.process, "request code", next(files))
        guesses = WrongCodes(self.process, "wrong code", next(files), requested=requested)
        return [requested, guesses]

    def cells(self) -> list[Cell]:
        """Return the cells of all scenarios but uploads."""
        return [
            self.live(),
            self.get("me", "/users/me"),
            self.get("me, short tokens", "/users/me", "short"),
            self.get("library", "/library?per_page=20"),
            *self.codes(),
        ]

    def _cell(self, scenario: str, requests: Iterable[bytes]) -> HttpCell:
        file = self.folder / f"{self.process.name} {scenario}"
        return HttpCell(self.process, scenario, write_requests(file, requests))


def seed_service(
    name: str,
    folder: Path,
    url: str,
    tree: Tree = THIS_TREE,
    *,
    users: int = USERS,
    senders: int = USERS,
    items: int = ITEMS,
) -> Service:
    """Return a service that does not run yet; its database has users and items."""
    folder.mkdir()
    process = ServiceProcess(name, folder, {"DIALTONE_DATABASE": url}, tree)
    process.seed("users", str(users), str(senders), str(items), str(folder / "users.json"))
    return Service(process, folder, json.loads((folder / "users.json").read_text()))


@contextmanager
def open_sides(
    folder: Path, databases: Mapping[str, CreateDatabase], senders: int, *, is_full: bool
) -> Iterator[Sequence[Cell]]:
    """Start everything, and yield the cells; without MongoDB, its sides are missing.

    Args:
        folder: an empty one.
        databases: all are measured.
        senders: how many of the users send requests.
        is_full: whether MongoDB is measured without the log and with two workers too.
    """
    cells: list[Cell] = []
    live = write_requests(folder / "live", [encode_request("GET", "/health/live")])
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        urls = {name.lower(): stack.enter_context(new()) for name, new in databases.items()}
        # Programs, which fill their databases at the same time.
        seeded = {
            name: threads.submit(seed_service, name, folder / name, url, senders=senders)
            for name, url in urls.items()
        }
        asgi, litestar = (
            HttpCell(_launch(stack, Floor(name, folder)), "live", live)
            for name in ("asgi", "litestar")
        )
        cells.append(asgi)
        if "MongoDB" in databases:
            cells.append(_open_flask(stack, folder, databases["MongoDB"]))
        photo = make_photo()
        for name, url in urls.items():
            service = seeded[name].result()
            _launch(stack, service.process)
            # The base of nearly all ratios is measured before each service.
            cells += [litestar, *service.cells()]
            if name == "sqlite" or is_full:
                quiet, two = (
                    service.with_settings(suffix, {"DIALTONE_DATABASE": url, **settings})
                    for suffix, settings in ((NO_LOG, QUIET), (TWO_WORKERS, {WORKERS: "2"}))
                )
                for other in (quiet, two):
                    _launch(stack, other.process)
                cells += [quiet.live(), *(one.get("me", "/users/me") for one in (quiet, two))]
            if name == "sqlite":
                cells += [service.upload(photo), _pillow(folder / "photo.jpg", photo)]
            else:
                cells.append(_motor(folder / "ids.json", url, service.users["ids"]))
        for cell in cells:
            if isinstance(cell, HttpCell):
                cell.server.wait_until_ready()
        yield cells


def _launch(stack: ExitStack, process: HttpProcess) -> HttpProcess:
    process.launch()
    return stack.enter_context(process)


def _open_flask(stack: ExitStack, folder: Path, create: CreateDatabase) -> Cell:
    flask = FlaskProcess(folder, install_baseline(), stack.enter_context(create()))
    requests = get_with_tokens("/users/me", flask.create_users(USERS))
    _launch(stack, flask)
    return HttpCell(flask, "me", write_requests(folder / "flask me", requests))


def _motor(file: Path, url: str, user_ids: Sequence[str]) -> Cell:
    file.write_text(json.dumps(user_ids))
    command = [str(install_baseline() / "python"), str(_SPEED / "baseline/motor_reads.py")]
    return ProgramCell("motor", "me", [*command, url, str(file)])


def _pillow(file: Path, photo: bytes) -> Cell:
    file.write_bytes(photo)
    command = [sys.executable, str(_SPEED / "pillow_alone.py"), str(file)]
    return ProgramCell("pillow", "upload", command, connections=count_processors())
