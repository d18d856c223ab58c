"""Scenarios: requests of wrk to one server, and what is measured of them."""

import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from itertools import count, islice
from pathlib import Path
from typing import Final, NamedTuple

from PIL import Image

from tests.benchmarks.speed.processes import HttpProcess, Tokens
from tests.support.servers.process import find_or_install

MAX_CODES_PER_SECOND: Final = 4_000
GUESSES_PER_PHONE: Final = 4
"""With five, the code would be used up."""
CLIENT_IPS: Final = 5_000
FULL_LIMIT: Final = {"DIALTONE_SMS_LIMIT_PER_COUNTRY": "20/1h"}
"""A limit that `RejectedRequests` fills at once, and that stays full for the whole run."""
_STEP: Final = 7_919
"""Spreads neighbors over the number ranges, networks and IPs that share a limit."""
_BOUNDARY: Final = "bench-boundary"
_MILLISECONDS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_numbers: Final = count()
"""Each phone signs in once, so no request meets the limit of another one."""


class Sample(NamedTuple):
    """A run of a scenario; CPU times are for each response, or for each sign-in."""

    responses: int
    rate: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_us: float = 0
    database_cpu_us: float = 0


class Scenario:
    """Sends requests in turn, and goes on where the last run ended.

    Args:
        server: It has to run.
        rejects: Whether all responses have another status than 2xx.
    """

    script = "requests.lua"

    def __init__(
        self,
        server: HttpProcess,
        name: str,
        requests: Iterable[bytes] = (),
        *,
        seconds: int = 1,
        connections: int = 32,
        rejects: bool = False,
    ) -> None:
        self.server: Final = server
        self.name: Final = name
        self.seconds = seconds
        self._connections = connections
        self._rejects = rejects
        self._sent = 0
        self._file = server.folder / f"{name}.requests"
        self.write_requests(requests)

    def warm_up(self) -> None:
        """Let the server open its connections; what it knows of users stays cold."""
        for _ in range(self.server.warm_ups):
            sample = self.measure()
            if sample.errors:
                raise SystemExit(f"{self.name} on {self.server.name} has errors: {sample}")

    def measure(self) -> Sample:
        """Measure with wrk."""
        self.prepare()
        before, database_before = self.server.cpu_seconds(), self.server.database_cpu_seconds()
        sample = self.send(*self.arguments())
        cpu = self.server.cpu_seconds() - before
        database_cpu = self.server.database_cpu_seconds() - database_before
        self.server.wait_until_idle()
        self._sent += sample.responses
        return sample._replace(
            cpu_us=cpu / max(1, sample.responses) * 1e6,
            database_cpu_us=database_cpu / max(1, sample.responses) * 1e6,
        )

    def prepare(self) -> None:
        """Write the requests, if each run has others."""

    def arguments(self) -> list[str]:
        """Return those of the script after the file of requests."""
        return [str(self._sent)]

    def send(self, *arguments: str) -> Sample:
        """Send the requests for so long."""
        options = [f"-c{self._connections}", f"-d{self.seconds}s", "--latency", "--timeout=10s"]
        script = Path(__file__).with_name(self.script)
        command = [str(find_or_install("wrk")), "-t1", *options, "-s", str(script)]
        command += [self.server.url, "--", str(self._file), *arguments]
        run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return _parse_wrk(run.stdout, rejects=self._rejects)

    def write_requests(self, requests: Iterable[bytes]) -> None:
        """Write requests as the scripts read them."""
        with self._file.open("wb") as file:
            for request in requests:
                file.write(b"%d\n%b" % (len(request), request))


class RequestCodes(Scenario):
    """Requests a code for another phone each time."""

    numbers: Sequence[int] = ()

    def prepare(self) -> None:
        """Write requests for other phones."""
        self._sent = 0
        self.numbers = [*islice(_numbers, MAX_CODES_PER_SECOND * self.seconds)]
        self.write_requests(self.encode(self.numbers))

    def encode(self, numbers: Iterable[int]) -> Iterator[bytes]:
        """Yield the requests for these phones."""
        for number in numbers:
            yield self.request_code(number)

    def request_code(self, number: int) -> bytes:
        """Return a request for a code, from one of many IPs."""
        path, body = self.server.request_code
        return self._post(path, body, number)

    def verify(self, number: int, code: str) -> bytes:
        """Return the verification of a code, from the same IP."""
        path, body = self.server.verify
        return self._post(path, body.replace("CODE", code), number)

    def _post(self, path: str, body: str, number: int) -> bytes:
        ip_number = number * _STEP % CLIENT_IPS
        # Of the range for benchmarks (RFC 2544).
        header = f"X-Forwarded-For: 198.18.{ip_number // 250}.{ip_number % 250 + 1}"
        content = body.replace("PHONE", _us_phone(number)).encode()
        return encode_request("POST", path, header, content, "application/json")


class RejectedRequests(RequestCodes):
    """Requests codes in a country whose limit is full; the server runs with `FULL_LIMIT`."""

    def warm_up(self) -> None:
        """Fill the limit."""
        self.measure()
        status = self.server.read_status(self.request_code(next(_numbers)))
        if status != "429":
            raise SystemExit(f"{self.name} on {self.server.name}: {status}, not 429")


class WrongCodes(RequestCodes):
    """Sends several wrong codes for each phone that has just requested one.

    A code that is repeated within ten seconds does not count, and costs something else.
    """

    def prepare(self) -> None:
        """Request codes, and write wrong ones for their phones."""
        super().prepare()
        numbers = self.numbers[: max(1, self.send("0").responses)]
        self.server.wait_until_idle()
        guesses = [f"{guess:06}" for guess in range(GUESSES_PER_PHONE)]
        self.write_requests(self.verify(number, guess) for guess in guesses for number in numbers)


class SignIns(RequestCodes):
    """Requests a code for another phone each time, and verifies it when the message is there.

    A sample counts sign-ins; its latencies are those of their two requests.
    """

    script = "sign_in.lua"

    def encode(self, numbers: Iterable[int]) -> Iterator[bytes]:
        for number in numbers:
            yield self.request_code(number)
            yield self.verify(number, "000000")

    def arguments(self) -> list[str]:
        return [str(self.server.output), self.server.message, self.server.signed_in]


def encode_request(
    method: str, path: str, header: str = "", body: bytes = b"", content_type: str = ""
) -> bytes:
    """Return a request as bytes, with one more header."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *filter(None, [header])]
    if body:
        lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "\r\n"]).encode() + body


def read_with_tokens(path: str, tokens: Tokens) -> Iterator[bytes]:
    """Yield a request with each token; the path may contain the id of its user."""
    for user_id, token in tokens:
        yield encode_request("GET", path.format(user_id=user_id), f"Authorization: Bearer {token}")


def upload_with_tokens(tokens: Tokens) -> Iterator[bytes]:
    """Yield an upload of the photo with each token, by its user."""
    photo = _make_photo()
    for user_id, token in tokens:
        fields = (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="user_id"\r\n\r\n{user_id}'
            f'\r\n--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; '
            'filename="photo.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        )
        body = fields.encode() + photo + f"\r\n--{_BOUNDARY}--\r\n".encode()
        content_type = f"multipart/form-data; boundary={_BOUNDARY}"
        header = f"Authorization: Bearer {token}"
        yield encode_request("POST", "/library/upload", header, body, content_type)


def next_phones(how_many: int) -> list[str]:
    """Return phones that no scenario has."""
    return [_us_phone(number) for number in islice(_numbers, how_many)]


def _us_phone(number: int) -> str:
    return f"+1206{2_000_000 + number * _STEP % 7_999_999}"


def _make_photo() -> bytes:
    """Return a JPEG of about 2 MB, with the noise and the gradients of a photo."""
    noise = Image.effect_noise((2400, 1800), 40)
    gradient = Image.linear_gradient("L").resize(noise.size)
    bands = [Image.blend(gradient.rotate(angle), noise, 0.35) for angle in (0, 90, 180)]
    content = BytesIO()
    Image.merge("RGB", bands).save(content, "JPEG", quality=92, subsampling=2)
    return content.getvalue()


def _parse_wrk(output: str, *, rejects: bool) -> Sample:
    requests = int(_find(r"(\d+) requests in", output))
    responses = int(_find(r"(\d+) sign-ins", output, str(requests)))
    rejected = int(_find(r"Non-2xx or 3xx responses: (\d+)", output, "0"))
    lost = sum(map(int, re.findall(r"\d+", _find(r"Socket errors: (.*)", output, ""))))
    return Sample(
        responses=responses,
        rate=float(_find(r"Requests/sec:\s+(\S+)", output)) * responses / max(1, requests),
        p50_ms=_to_milliseconds(_find(r"\s50%\s+(\S+)", output)),
        p99_ms=_to_milliseconds(_find(r"\s99%\s+(\S+)", output)),
        # Without any response, no connection was served.
        errors=(lost + (requests - rejected if rejects else rejected)) if responses else 1,
    )


def _find(pattern: str, output: str, default: str | None = None) -> str:
    found = re.search(pattern, output)
    if found is None and default is None:
        raise SystemExit(f"wrk printed something else:\n{output}")
    return found[1] if found else str(default)


def _to_milliseconds(text: str) -> float:
    number = text.rstrip("mus")
    return float(number) * _MILLISECONDS[text.removeprefix(number)]
