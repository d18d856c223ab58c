"""A program that users would pick instead, as a TOML file describes it (`docs/sizing.md`)."""

import os
import re
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from tests.benchmarks.load import encode_request
from tests.benchmarks.speed.cells import HttpCell, RequestCodes, SignInApi, SignIns, WrongCodes
from tests.benchmarks.speed.processes import HttpProcess
from tests.benchmarks.speed.wrk import write_requests

USERS: Final = 100
_FIRST_USER: Final = 9_000_000
_MESSAGE: Final = "(%+%d+) (%d+)"
_MESSAGE_SECONDS: Final = 5


class Peer(HttpProcess):
    """The process of a peer, on a database that is still empty.

    Args:
        file: the TOML file.
        folder: where its requests and messages are written.
        database: the name of its database.
        database_url: the URL of it.
    """

    # A program whose code is compiled while it runs is slow at first.
    warm_ups = 3

    def __init__(self, file: Path, folder: Path, database: str, database_url: str) -> None:
        self.description: Mapping[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        name = f"{self.description['name']}, {database}"
        super().__init__(name, folder / name, self.description["command"])
        self.path = self.description["ready"]
        self.database_url = database_url
        self.output = folder / f"{name}.messages"
        self.output.touch()
        self._program_folder = file.parent / self.description.get("folder", ".")
        values = {"PORT": self.port, "DATABASE": database_url, "MESSAGES": self.output}
        self._values = {name: str(value) for name, value in values.items()}

    def command(self) -> list[str]:
        # It writes its messages itself.
        return ["env", f"--chdir={self._program_folder.resolve()}", *self._command]

    def environ(self) -> dict[str, str]:
        variables = self.description.get("environ", {})
        return {**os.environ, **{name: self._fill(text) for name, text in variables.items()}}

    def cells(self) -> Iterator[HttpCell]:
        """Return the cells of the scenarios that it has; it must be ready."""
        requests = self.output.with_name(f"{self.name} ")
        tokens = [self._sign_in(f"+1206{_FIRST_USER + number}") for number in range(USERS)]
        header = self.description.get("authorization", "Authorization: Bearer TOKEN")
        reads = (
            encode_request(
                "GET", self.description["me"], authorization=header.replace("TOKEN", token)
            )
            for token in tokens
        )
        yield HttpCell(self, "me", write_requests(Path(f"{requests}me"), reads))
        requested = RequestCodes(
            server=self, scenario="request code", requests=Path(f"{requests}code"), api=self._api
        )
        yield requested
        yield WrongCodes(
            server=self,
            scenario="wrong code",
            requests=Path(f"{requests}wrong"),
            requested=requested,
            rejects_by_status=True,
        )
        yield SignIns(
            server=self, scenario="sign-in", requests=Path(f"{requests}sign-in"), api=self._api
        )

    @property
    def _api(self) -> SignInApi:
        (request_path, request_body), (verify_path, verify_body) = (
            self.description[name] for name in ("request_code", "verify")
        )
        signed_in = self.description["token"].partition("(")[0]
        return SignInApi(request_path, request_body, verify_path, verify_body, _MESSAGE, signed_in)

    def _sign_in(self, phone: str) -> str:
        path, body = self.description["request_code"]
        self._post(path, body.replace("PHONE", phone))
        path, body = self.description["verify"]
        text = self._post(path, body.replace("PHONE", phone).replace("CODE", self._code(phone)))
        found = re.search(self.description["token"], text)
        if found is None:
            raise SystemExit(f"{self.name} has no token in {text}")
        return found[1]

    def _post(self, path: str, body: str) -> str:
        headers = {"Content-Type": "application/json"}
        response = httpx.post(self.url + path, content=body, headers=headers, trust_env=False)
        return response.raise_for_status().text

    def _code(self, phone: str) -> str:
        for _ in range(_MESSAGE_SECONDS * 100):
            if found := re.search(rf"{re.escape(phone)} (\d+)", self.output.read_text()):
                return found[1]
            time.sleep(0.01)  # there is no event for a line in a file
        raise SystemExit(f"{self.name} has sent no code to {phone}")

    def _fill(self, text: str) -> str:
        return re.sub("|".join(self._values), lambda name: self._values[name[0]], text)
