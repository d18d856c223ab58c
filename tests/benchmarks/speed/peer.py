"""A program that users would pick instead, as a TOML file describes it (`docs/sizing.md`)."""

import os
import re
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks.speed.processes import HttpProcess


class Peer(HttpProcess):
    """The process of a peer, on a database that is still empty."""

    # A program whose code is compiled while it runs is slow at first.
    warm_ups = 3
    message = "(%+%d+) (%d+)"

    def __init__(self, file: Path, folder: Path, database: str, database_url: str) -> None:
        self.description: Mapping[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        # It writes its messages itself.
        program_folder = (file.parent / self.description.get("folder", ".")).resolve()
        command = ["env", f"--chdir={program_folder}", *self.description["command"]]
        super().__init__(f"{self.description['name']}, {database}", folder, command)
        self.path = self.description["ready"]
        self.database_url = database_url
        self.output.touch()
        self.request_code, self.verify = (
            self.description["request_code"],
            self.description["verify"],
        )
        self.signed_in = self.description["token"].partition("(")[0]

    def command(self) -> list[str]:
        return [*self._command]

    def environ(self) -> dict[str, str]:
        values = {"PORT": self.port, "DATABASE": self.database_url, "MESSAGES": self.output}
        variables = {
            name: re.sub("|".join(values), lambda found: str(values[found[0]]), text)
            for name, text in self.description.get("environ", {}).items()
        }
        return {**os.environ, **variables}

    def sign_in(self, phones: Sequence[str]) -> Iterator[str]:
        """Yield a header with a token of each phone."""
        header = self.description.get("authorization", "Authorization: Bearer TOKEN")
        for phone in phones:
            self._post(self.request_code, phone)
            text = self._post(self.verify, phone, self._wait_for_code(phone))
            found = re.search(self.description["token"], text)
            if found is None:
                raise SystemExit(f"{self.name} has no token in {text}")
            yield header.replace("TOKEN", found[1])

    def _post(self, request: Sequence[str], phone: str, code: str = "") -> str:
        path, body = request
        content = body.replace("PHONE", phone).replace("CODE", code)
        headers = {"Content-Type": "application/json"}
        response = httpx.post(self.url + path, content=content, headers=headers, trust_env=False)
        return response.raise_for_status().text

    def _wait_for_code(self, phone: str) -> str:
        for _ in range(500):
            if found := re.search(rf"{re.escape(phone)} (\d+)", self.output.read_text()):
                return found[1]
            time.sleep(0.01)  # there is no event for a line in a file
        raise SystemExit(f"{self.name} has sent no code to {phone}")
