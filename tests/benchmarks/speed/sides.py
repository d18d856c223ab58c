"""All sides, running at the same time: those that are not measured are idle."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from adapters.system import count_processors
from tests.benchmarks.databases import CreateDatabase
from tests.benchmarks.load import encode_request
from tests.benchmarks.speed.baseline.install import FlaskProcess, install_baseline
from tests.benchmarks.speed.cells import (
    FULL_LIMIT,
    Cell,
    HttpCell,
    ProgramCell,
    RejectedRequests,
    RequestCodes,
    SignIns,
    WrongCodes,
    get_with_tokens,
    make_photo,
    upload_with_tokens,
)
from tests.benchmarks.speed.processes import THIS_TREE, Floor, HttpProcess, ServiceProcess, Tree
from tests.benchmarks.speed.wrk import write_requests

USERS: Final = 100_000
LIBRARIES: Final = 2_000
UPLOADERS: Final = 8
OWN_PAGE: Final = "/library?user_id={user_id}&per_page=20"
TWO_WORKERS: Final = ", 2 workers"
WITH_FULL_LIMIT: Final = ", full limit"
SIGN_IN: Final = "sign-in"
_SPEED: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Service:
    """A service with users, and where its requests are written.

    `tokens` is what `seed.py` writes to its file.
    """

    process: ServiceProcess
    folder: Path
    tokens: Mapping[str, Sequence[tuple[str, str]]]

    def with_settings(self, suffix: str, settings: Mapping[str, str]) -> "Service":
        """Return another service with the same database and other settings."""
        process = ServiceProcess(
            self.process.name + suffix, self.folder, {**self.process.settings, **settings}
        )
        return replace(self, process=process)

    def live(self) -> HttpCell:
        """Return the cell of a request without a token."""
        return self._cell("live", [encode_request("GET", "/health/live")])

    def me(self, scenario: str = "me", kind: str = "long") -> HttpCell:
        """Return the cell in which all senders read their own user."""
        return self._cell(scenario, get_with_tokens("/users/me", self.tokens[kind]))

    def own_page(self) -> HttpCell:
        """Return the cell in which each owner of a library reads a page of it."""
        return self._cell("own page", get_with_tokens(OWN_PAGE, self.tokens["owners"]))

    def upload(self, photo: bytes) -> HttpCell:
        """Return the cell of uploads by some of the users."""
        tokens = self.tokens["long"][:UPLOADERS]
        return self._cell("upload", upload_with_tokens(photo, tokens))

    def codes(self) -> list[HttpCell]:
        """Return the cells that request codes, guess them, and sign in with them."""
        requested = RequestCodes(self.process, "request code", self.folder / "request-code")
        guesses = WrongCodes(
            self.process, "wrong code", self.folder / "wrong-code", requested=requested
        )
        return [requested, guesses, self.sign_ins()]

    def sign_ins(self) -> SignIns:
        """Return the cell of whole sign-ins."""
        return SignIns(server=self.process, scenario=SIGN_IN, requests=self.folder / "sign-in")

    def rejected(self) -> HttpCell:
        """Return the cell of requests that are rejected, if this service has the full limit."""
        return RejectedRequests(self.process, "rejected request", self.folder / "rejected-request")

    def cells(self) -> list[HttpCell]:
        """Return the cells of all scenarios but uploads and rejected requests."""
        return [
            self.live(),
            self.me(),
            self.me("me, short tokens", "short"),
            self.own_page(),
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
    libraries: int = LIBRARIES,
) -> Service:
    """Return a service that does not run yet.

    Args:
        name: of the side.
        folder: of the service; it is created.
        url: of its database, which is filled.
        tree: the checkout that runs.
        users: how many the database has.
        senders: how many of them send requests.
        libraries: how many of the senders have a library.
    """
    folder.mkdir()
    process = ServiceProcess(name, folder, {"DIALTONE_DATABASE": url}, tree)
    file = folder / "tokens.json"
    process.seed(*map(str, (users, senders, libraries, file)))
    return Service(process, folder, json.loads(file.read_text()))


@contextmanager
def open_sides(
    folder: Path, databases: Mapping[str, CreateDatabase], *, is_full: bool
) -> Iterator[Sequence[Cell]]:
    """Start everything, and yield the cells; without MongoDB, its sides are missing.

    Args:
        folder: an empty one.
        databases: all are measured.
        is_full: whether MongoDB is measured with two workers too.
    """
    cells: list[Cell] = []
    live = write_requests(folder / "live", [encode_request("GET", "/health/live")])
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        urls = {name.lower(): stack.enter_context(new()) for name, new in databases.items()}
        # Programs, which fill their databases at the same time.
        seeded = {
            name: threads.submit(seed_service, name, folder / name, url)
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
        for name, seeding in seeded.items():
            service = seeding.result()
            _launch(stack, service.process)
            # The base of nearly all ratios is measured before each service.
            limited = service.with_settings(WITH_FULL_LIMIT, FULL_LIMIT)
            _launch(stack, limited.process)
            cells += [litestar, *service.cells(), limited.rejected()]
            if name == "sqlite" or is_full:
                two_workers = service.with_settings(TWO_WORKERS, {"DIALTONE_WORKERS": "2"})
                _launch(stack, two_workers.process)
                cells.append(two_workers.me())
            if name == "sqlite":
                cells += [service.upload(photo), _pillow(folder / "photo.jpg", photo)]
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


def _pillow(file: Path, photo: bytes) -> Cell:
    file.write_bytes(photo)
    command = [sys.executable, str(_SPEED / "pillow_alone.py"), str(file)]
    return ProgramCell("pillow", "upload", command, connections=count_processors())
