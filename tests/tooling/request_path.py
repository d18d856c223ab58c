"""Print which files and functions of the service a request enters, in this order.

    .venv/bin/python -m tests.tooling.request_path PATCH /users/me '{"username": "Asha Rao"}'

The request is real, with SQLite in a temporary folder, apart from the server that accepts the
connection. A user has signed in before, and sends it.
"""

import argparse
import asyncio
import json
import logging
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FrameType
from typing import Any, Final

import httpx
import structlog

from entrypoints.composition.http_settings import make_http_settings
from entrypoints.composition.read_settings import read_settings
from entrypoints.composition.use_cases import open_all
from tests.support.features_contract import LAYERS
from tests.support.http_app import open_http_client
from tests.support.http_settings import AppSettings

PROJECT: Final = Path(__file__).parents[2]
PHONE: Final = "+14155550142"
CODE: Final = "123456"


@dataclass(frozen=True, slots=True)
class EnteredFunction:
    """A function that a request entered. `depth` is the number of ours that were waiting for it."""

    file: str
    function: str
    depth: int


@dataclass(frozen=True, slots=True)
class RequestPath:
    """A response, and the functions that the request entered, each where it was entered first."""

    status: int
    body: str
    steps: list[EnteredFunction]


@contextmanager
def without_logs() -> Iterator[None]:
    """Drop all log lines in the block."""
    config = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**config)


async def trace(method: str, path: str, body: Any = None) -> RequestPath:
    """Send a request as a new user, and record what it enters."""
    with TemporaryDirectory() as folder, without_logs():
        settings = read_settings(
            {
                "DIALTONE_DATABASE": f"sqlite:///{folder}/dialtone.db",
                "DIALTONE_MEDIA": f"file://{folder}/media",
                "DIALTONE_SECRETS_FILE": f"{folder}/secrets.json",
                "DIALTONE_TEST_OTPS": f"{PHONE}={CODE}",
            },
            None,
        )
        app_settings = AppSettings(make_http_settings(settings))
        steps: dict[CodeType, EnteredFunction] = {}
        # The thread of the database starts here.
        with _recording(steps):
            async with (
                open_all(settings, is_service=True) as composition,
                open_http_client(composition.use_cases, app_settings) as http,
            ):
                headers = {"Authorization": f"Bearer {await _sign_up(http)}"}
                steps.clear()
                response = await http.request(method, path, json=body, headers=headers)
                path_of_request = RequestPath(
                    response.status_code, response.text, [*steps.values()]
                )
    return path_of_request


async def _sign_up(http: httpx.AsyncClient) -> str:
    await http.post("/auth/request-otp", json={"phone": PHONE})
    verified = await http.post("/auth/verify-otp", json={"phone": PHONE, "otp": CODE})
    token: str = verified.json()["access_token"]
    user = {"username": "Asha", "number": PHONE}
    created = await http.post("/users", json=user, headers={"Authorization": f"Bearer {token}"})
    created.raise_for_status()
    return token


@contextmanager
def _recording(steps: dict[CodeType, EnteredFunction]) -> Iterator[None]:
    def record(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or code in steps:
            return
        file = _find_file(code)
        if file is not None:
            function = code.co_qualname.replace(".<locals>", "")
            steps[code] = EnteredFunction(file, function, _find_depth(frame))

    earlier = sys.getprofile()
    threading.setprofile(record)
    sys.setprofile(record)
    try:
        yield
    finally:
        sys.setprofile(earlier)
        threading.setprofile(None)


def _find_depth(frame: FrameType) -> int:
    depth, caller = 0, frame.f_back
    while caller is not None:
        depth += _find_file(caller.f_code) is not None
        caller = caller.f_back
    return depth


@cache
def _find_file(code: CodeType) -> str | None:
    """Return the path of a function of the service inside the project; None for all else."""
    path = Path(code.co_filename)
    # Expressions and modules have names in brackets.
    if "<" in code.co_name or not path.is_relative_to(PROJECT):
        return None
    path = path.relative_to(PROJECT)
    return str(path) if path.parts[0] in LAYERS else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the path of the request that the arguments describe."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("method")
    parser.add_argument("path")
    parser.add_argument("body", nargs="?", type=json.loads, help="JSON")
    chosen = parser.parse_args(arguments)
    traced = asyncio.run(trace(chosen.method, chosen.path, chosen.body))
    width = max(len(step.file) for step in traced.steps)
    lines = [f"{step.file:{width}}  {'  ' * step.depth}{step.function}" for step in traced.steps]
    response = f"{traced.status} {traced.body}"
    sys.stdout.write("\n".join([*lines, "", response, ""]))


if __name__ == "__main__":
    main()
