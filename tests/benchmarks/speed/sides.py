"""All sides, running at the same time: those that are not measured are idle."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

from tests.benchmarks.databases import CreateDatabase
from tests.benchmarks.load import encode_request
from tests.benchmarks.speed.cells import (
    FULL_LIMIT,
    HttpCell,
    RejectedRequests,
    RequestCodes,
    SignIns,
    WrongCodes,
    get_with_tokens,
    make_photo,
    upload_with_tokens,
)
from tests.benchmarks.speed.peer import Peer
from tests.benchmarks.speed.processes import (
    THIS_TREE,
    BareHandler,
    HttpProcess,
    ServiceProcess,
    Tree,
)
from tests.benchmarks.speed.wrk import write_requests

USERS: Final = 100_000
LIBRARIES: Final = 2_000
UPLOADERS: Final = 8
OWN_PAGE: Final = "/library?user_id={user_id}&per_page=20"


@dataclass(frozen=True, slots=True)
class Service:
    """A service with users, and where its requests are written.

    `tokens` is what `seed.py` writes to its file.
    """

    process: ServiceProcess
    folder: Path
    tokens: Mapping[str, Sequence[tuple[str, str]]]

    def with_settings(self, suffix: str, settings: Mapping[str, str]) -> ServiceProcess:
        """Return another service with the same database and other settings."""
        name = self.process.name + suffix
        return ServiceProcess(name, self.folder, {**self.process.settings, **settings})

    def me(self, scenario: str = "me", kind: str = "long") -> HttpCell:
        """Return the cell in which all senders read their own user."""
        return self._cell(scenario, get_with_tokens("/users/me", self.tokens[kind]))

    def upload(self) -> HttpCell:
        """Return the cell of uploads by some of the users."""
        uploads = upload_with_tokens(make_photo(), self.tokens["long"][:UPLOADERS])
        file = write_requests(self.folder / "upload", uploads)
        return HttpCell(self.process, "upload", file, seconds=4, connections=4)

    def sign_ins(self) -> SignIns:
        """Return the cell of whole sign-ins."""
        file = self.folder / "sign-in"
        return SignIns(server=self.process, scenario="sign-in", requests=file)

    def cells(self) -> list[HttpCell]:
        """Return the cells of all scenarios but uploads and rejected requests."""
        requested = RequestCodes(
            server=self.process, scenario="request code", requests=self.folder / "request-code"
        )
        guesses = WrongCodes(
            server=self.process,
            scenario="wrong code",
            requests=self.folder / "wrong-code",
            requested=requested,
        )
        return [
            self._cell("live", [encode_request("GET", "/health/live")]),
            self.me(),
            self.me("me, short tokens", "short"),
            self._cell("own page", get_with_tokens(OWN_PAGE, self.tokens["owners"])),
            requested,
            guesses,
            self.sign_ins(),
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
    folder: Path,
    databases: Mapping[str, CreateDatabase],
    peers: Sequence[Path],
    checkout: Path | None,
) -> Iterator[Sequence[HttpCell]]:
    """Start everything, and yield the cells.

    Args:
        folder: an empty one.
        databases: all are measured.
        peers: the files that describe them; each runs on all databases.
        checkout: another one, which is measured too.
    """
    trees = {"": THIS_TREE}
    if checkout:
        path = checkout.resolve()
        trees[" of the other checkout"] = Tree(path, path / ".venv/bin/python")
    cells: list[HttpCell] = []
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        # Programs, which fill their databases at the same time.
        seeding = [
            threads.submit(
                seed_service,
                f"{database}{suffix}",
                folder / f"{database}{suffix}",
                stack.enter_context(create()),
                tree,
            )
            for database, create in databases.items()
            for suffix, tree in trees.items()
        ]
        bare = _launch(stack, BareHandler(folder))
        live = write_requests(folder / "live", [encode_request("GET", "/health/live")])
        cells.append(HttpCell(bare, "live", live))
        for service in (each.result() for each in seeding):
            _launch(stack, service.process)
            cells += service.cells()
            if service.process.name in databases:
                limited = service.with_settings(", full limit", FULL_LIMIT)
                file = folder / f"{limited.name} requests"
                _launch(stack, limited)
                cells.append(
                    RejectedRequests(server=limited, scenario="rejected request", requests=file)
                )
            if service.process.name == "SQLite":
                cells.append(service.upload())
        for file, (database, create) in product(peers, databases.items()):
            peer = Peer(file, folder, database, stack.enter_context(create()))
            _launch(stack, peer).wait_until_ready()
            cells += peer.cells()
        for cell in cells:
            cell.server.wait_until_ready()
        yield cells


def _launch(stack: ExitStack, process: HttpProcess) -> HttpProcess:
    process.launch()
    return stack.enter_context(process)
