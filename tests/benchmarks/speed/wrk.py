"""Load by wrk, and what it printed."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.servers.process import find_or_install

_FOLDER: Final = Path(__file__).parent
_MILLISECONDS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Load:
    """The responses of one run, or its sign-ins, each of which takes two of the `requests`.

    `rejected` are those with another status than 2xx or 3xx, `socket_errors` have no response.
    """

    requests: int
    responses: int
    rate: float
    p50_ms: float
    p99_ms: float
    rejected: int
    socket_errors: int


def find_wrk() -> str:
    """Return the path of wrk; raises ServerUnavailable if it is not installed."""
    return str(find_or_install("wrk"))


def write_requests(path: Path, requests: Iterable[bytes]) -> Path:
    """Write requests as the scripts read them."""
    with path.open("wb") as file:
        for request in requests:
            file.write(b"%d\n%b" % (len(request), request))
    return path


def send_requests(url: str, requests: Path, connections: int, seconds: int, start: int = 0) -> Load:
    """Send the requests in turn, from the one with the number `start`."""
    return _run(url, connections, seconds, "requests.lua", str(requests), str(start))


def sign_in(
    url: str,
    requests: Path,
    connections: int,
    seconds: int,
    output: Path,
    message: str,
    signed_in: str,
) -> Load:
    """Request codes, and verify each code that is sent.

    Args:
        url: that of the service.
        requests: pairs: a request for a code, and the verification of it with the code 000000.
        connections: how many are open.
        seconds: how long.
        output: the file with the messages.
        message: the pattern of a phone and its code in it.
        signed_in: what only the response to a correct code has.
    """
    arguments = (str(requests), str(output), message, signed_in)
    return _run(url, connections, seconds, "sign_in.lua", *arguments)


def _run(url: str, connections: int, seconds: int, script: str, *arguments: str) -> Load:
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout=10s"]
    command = [find_wrk(), *options, "-s", str(_FOLDER / script), url, "--", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"wrk failed:\n{run.stdout}{run.stderr}")
    return parse_wrk(run.stdout)


def parse_wrk(output: str) -> Load:
    """Return what wrk printed."""
    socket_errors = re.search(r"Socket errors: (.*)", output)
    sign_ins = re.search(r"(\d+) sign-ins", output)
    other_statuses = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    requests = int(_find(r"(\d+) requests in", output))
    responses = int(sign_ins[1]) if sign_ins else requests
    return Load(
        requests=requests,
        responses=responses,
        rate=float(_find(r"Requests/sec:\s+([\d.]+)", output)) * responses / max(1, requests),
        p50_ms=_to_milliseconds(_find(r"\s50%\s+(\S+)", output)),
        p99_ms=_to_milliseconds(_find(r"\s99%\s+(\S+)", output)),
        rejected=int(other_statuses[1]) if other_statuses else 0,
        socket_errors=sum(map(int, re.findall(r"\d+", socket_errors[1]))) if socket_errors else 0,
    )


def _find(pattern: str, output: str) -> str:
    found = re.search(pattern, output)
    if found is None:
        raise SystemExit(f"wrk printed something else:\n{output}")
    return found[1]


def _to_milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", text).groups()  # type: ignore[union-attr]
    return float(number) * _MILLISECONDS[unit]
