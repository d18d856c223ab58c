"""All sides, running at the same time: those that are not measured are idle."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from tests.benchmarks.speed.processes import THIS_TREE, Floor, ServiceProcess, Tree
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

    def with_settings(
        self, stack: ExitStack, suffix: str, settings: Mapping[str, str]
    ) -> "Service":
        """Return another service with the same database and other settings."""
        process = ServiceProcess(self.process.name + suffix, self.folder, settings)
        return replace(self, process=stack.enter_context(process))

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


@contextmanager
def open_service(
    name: str,
    folder: Path,
    url: str,
    tree: Tree = THIS_TREE,
    *,
    users: int = USERS,
    senders: int = USERS,
    items: int = ITEMS,
) -> Iterator[Service]:
    """Run a service whose database has users and items."""
    folder.mkdir()
    process = ServiceProcess(name, folder, {"DIALTONE_DATABASE": url}, tree)
    process.seed("users", str(users), str(senders), str(items), str(folder / "users.json"))
    with process:
        yield Service(process, folder, json.loads((folder / "users.json").read_text()))


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
    photo = make_photo()
    live = write_requests(folder / "live", [encode_request("GET", "/health/live")])
    with ExitStack() as stack:
        floors = [stack.enter_context(Floor(name, folder)) for name in ("asgi", "litestar")]
        cells.extend(HttpCell(floor, "live", live) for floor in floors)
        for database, create in databases.items():
            name, url = database.lower(), stack.enter_context(create())
            opened = open_service(name, folder / name, url, senders=senders)
            service = stack.enter_context(opened)
            cells.extend(service.cells())
            if name == "sqlite" or is_full:
                quiet, two = (
                    service.with_settings(stack, suffix, {"DIALTONE_DATABASE": url, **settings})
                    for suffix, settings in ((NO_LOG, QUIET), (TWO_WORKERS, {WORKERS: "2"}))
                )
                cells += [quiet.live(), *(one.get("me", "/users/me") for one in (quiet, two))]
            if name == "sqlite":
                cells += [service.upload(photo), _pillow(folder / "photo.jpg", photo)]
            else:
                flask_url = stack.enter_context(create())
                cells.extend(_open_baseline(stack, folder, service, url, flask_url))
        yield cells


def _open_baseline(
    stack: ExitStack, folder: Path, service: Service, mongo_url: str, flask_url: str
) -> Iterator[Cell]:
    programs = install_baseline()
    flask = FlaskProcess(folder, programs, flask_url)
    tokens = flask.create_users(USERS)
    stack.enter_context(flask)
    requests = write_requests(folder / "flask me", get_with_tokens("/users/me", tokens))
    yield HttpCell(flask, "me", requests)
    ids = folder / "ids.json"
    ids.write_text(json.dumps(service.users["ids"]))
    reads = [str(programs / "python"), str(_SPEED / "baseline/motor_reads.py"), mongo_url, str(ids)]
    yield ProgramCell("motor", "me", reads)


def _pillow(file: Path, photo: bytes) -> Cell:
    file.write_bytes(photo)
    command = [sys.executable, str(_SPEED / "pillow_alone.py"), str(file)]
    return ProgramCell("pillow", "upload", command, connections=count_processors())
