"""The cells of the bench: each measures one scenario on one side."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Final, Protocol

from PIL import Image

from tests.benchmarks.load import client_ip, encode_request
from tests.benchmarks.speed.processes import HttpProcess, ServiceProcess, run_program
from tests.benchmarks.speed.results import Sample
from tests.benchmarks.speed.stolen_time import StolenTime
from tests.benchmarks.speed.wrk import Load, send_requests, sign_in, write_requests

FEW: Final = 32
"""The number of connections of nearly all bounds."""
MAX_CODES_PER_SECOND: Final = 6_000
FIRST_SIGN_IN: Final = 4_000_000
"""The phones of sign-ins are others than those of `RequestCodes`, whose codes nobody verifies."""
GUESSES_PER_PHONE: Final = 4
"""With five, the code would be used up."""
FULL_LIMIT: Final = {"DIALTONE_SMS_LIMIT_PER_COUNTRY": "5000/1h"}
"""A limit that `RejectedRequests` fills within seconds, and that stays full for the whole run."""
MAX_FILLING_SECONDS: Final = 60
_REJECTED: Final = "429"
_STEP: Final = 7_919
"""Spreads neighbors over the number ranges, networks and IPs that share a limit."""
_BOUNDARY: Final = "bench-boundary"


class Cell(Protocol):
    """Measures one scenario on one side."""

    @property
    def side(self) -> str:
        """The name of the side."""
        ...

    @property
    def scenario(self) -> str:
        """The name of the scenario."""
        ...

    def measure(self, connections: int, seconds: int) -> Sample:
        """Load the side for so long."""
        ...


@dataclass(slots=True)
class HttpCell:
    """Sends the requests of a file in turn, and goes on where the last run ended."""

    server: HttpProcess
    scenario: str
    requests: Path
    sent: int = 0

    @property
    def side(self) -> str:
        """The name of the server."""
        return self.server.name

    def warm_up(self) -> None:
        """Let the server open its connections; what it knows of users stays cold."""
        sample = self.measure(FEW, 1)
        if sample.errors:
            raise SystemExit(f"errors before the first round: {sample}")

    def measure(self, connections: int, seconds: int) -> Sample:
        """Measure with wrk."""
        before, stolen_time = self.server.cpu_seconds(), StolenTime()
        load = self.send(connections, seconds)
        stolen_percent = stolen_time.percent
        cpu = self.server.cpu_seconds() - before
        self.server.wait_until_idle()
        self.sent += load.responses
        return Sample(
            side=self.side,
            scenario=self.scenario,
            connections=connections,
            responses=load.responses,
            rate=load.rate,
            p50_ms=load.p50_ms,
            p99_ms=load.p99_ms,
            cpu_us=cpu / max(1, load.responses) * 1e6,
            # Without any response, no connection was served.
            errors=self.count_errors(load) if load.responses else connections,
            stolen_percent=stolen_percent,
        )

    def send(self, connections: int, seconds: int) -> Load:
        """Send requests for so long."""
        return send_requests(self.server.url, self.requests, connections, seconds, self.sent)

    def count_errors(self, load: Load) -> int:
        """Return how many requests had no response, or one with another status than expected."""
        return load.rejected + load.socket_errors


@dataclass(slots=True)
class RequestCodes(HttpCell):
    """Requests a code for another phone each time."""

    phones: range = range(0)

    def measure(self, connections: int, seconds: int) -> Sample:
        """Measure with wrk, and keep the phones that have a code now."""
        first = self.phones.stop
        numbers = range(first, first + MAX_CODES_PER_SECOND * seconds)
        write_requests(self.requests, map(self.encode, numbers))
        self.sent = 0
        sample = HttpCell.measure(self, connections, seconds)
        self.phones = numbers[: max(1, sample.responses)]
        return sample

    def encode(self, number: int) -> bytes:
        """Return the request for this phone."""
        return _post_phone("/auth/request-otp", _us_phone(number), number)


@dataclass(slots=True)
class RejectedRequests(RequestCodes):
    """Requests codes in a country whose limit is full; the server runs with `FULL_LIMIT`."""

    def warm_up(self) -> None:
        """Fill the limit."""
        for _ in range(MAX_FILLING_SECONDS):
            if not self.measure(FEW, 1).errors:
                break
        status = self.server.read_status(self.encode(self.phones.stop))
        if status != _REJECTED:
            raise SystemExit(f"{self.scenario} on {self.side}: status {status}, not {_REJECTED}")

    def count_errors(self, load: Load) -> int:
        """Return how many requests had no response or were not rejected."""
        return load.responses - load.rejected + load.socket_errors

    def encode(self, number: int) -> bytes:
        """Return the request for this phone, in a country and networks that no other cell uses."""
        phone = f"+44740{number * _STEP % 9_999_991:07}"
        return _post_phone("/auth/request-otp", phone, number, block=19)


@dataclass(slots=True, kw_only=True)
class WrongCodes(HttpCell):
    """Sends several wrong codes for each phone whose code was requested last.

    A code that is repeated within ten seconds does not count, and costs something else.
    """

    requested: RequestCodes
    phones: range = range(0)
    rate: float = 0

    def measure(self, connections: int, seconds: int) -> Sample:
        """Measure with wrk; before, request more codes if they would be used up."""
        sent = self.sent if self.phones == self.requested.phones else 0
        left = len(self.requested.phones) * GUESSES_PER_PHONE - sent
        if left < 2 * self.rate * seconds:
            self.requested.measure(connections, seconds)
        if self.phones != self.requested.phones:
            self.phones, self.sent = self.requested.phones, 0
            path = "/auth/verify-otp"
            guesses = (
                _post_phone(path, _us_phone(number), number, otp=f"{guess:06}")
                for guess in range(GUESSES_PER_PHONE)
                for number in self.phones
            )
            write_requests(self.requests, guesses)
        sample = HttpCell.measure(self, connections, seconds)
        self.rate = sample.rate
        return sample


@dataclass(slots=True, kw_only=True)
class SignIns(HttpCell):
    """Requests a code for another phone each time, and verifies it when the message is there.

    A sample counts sign-ins; its latencies are those of their two requests.
    """

    server: ServiceProcess
    next_number: int = FIRST_SIGN_IN

    def send(self, connections: int, seconds: int) -> Load:
        """Sign in with wrk for so long."""
        first = self.next_number
        numbers = range(first, first + MAX_CODES_PER_SECOND * seconds)
        self.next_number = numbers.stop
        write_requests(self.requests, self._encode(numbers))
        load = sign_in(self.server.url, self.requests, self.server.output, connections, seconds)
        # At the end, each connection may have requested a code that is not verified yet. All other
        # responses that did not lead to a sign-in are errors.
        unfinished = load.responses - 2 * load.sign_ins
        return replace(
            load,
            responses=load.sign_ins,
            rate=load.rate * load.sign_ins / max(1, load.responses),
            rejected=load.rejected + max(0, unfinished - 2 * connections),
        )

    def _encode(self, numbers: range) -> Iterator[bytes]:
        for number in numbers:
            phone = _us_phone(number)
            yield _post_phone("/auth/request-otp", phone, number)
            yield _post_phone("/auth/verify-otp", phone, number, otp="000000")


@dataclass(frozen=True, slots=True)
class ProgramCell:
    """Runs a program that prints a sample; connections and seconds are its last arguments."""

    side: str
    scenario: str
    command: Sequence[str]
    connections: int | None = None

    def measure(self, connections: int, seconds: int) -> Sample:
        """Measure with the program."""
        threads = self.connections or connections
        stolen_time = StolenTime()
        figures = json.loads(run_program([*self.command, str(threads), str(seconds)]))
        figures["stolen_percent"] = stolen_time.percent
        return Sample(self.side, self.scenario, connections, **figures)


def get_with_tokens(path: str, tokens: Iterable[tuple[str, str]]) -> Iterable[bytes]:
    """Return a request with each token; the path may contain the id of its user."""
    for user_id, token in tokens:
        yield encode_request("GET", path.format(user_id=user_id), token=token)


def upload_with_tokens(photo: bytes, tokens: Iterable[tuple[str, str]]) -> Iterable[bytes]:
    """Return an upload of the photo with each token, by its user."""
    for user_id, token in tokens:
        body = (
            (
                f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="user_id"\r\n\r\n{user_id}'
                f'\r\n--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; '
                'filename="photo.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
            ).encode()
            + photo
            + f"\r\n--{_BOUNDARY}--\r\n".encode()
        )
        head = (
            "POST /library/upload HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n"
            f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\n\r\n"
        )
        yield head.encode() + body


def make_photo() -> bytes:
    """Return a JPEG of about 2 MB, with the noise and the gradients of a photo."""
    noise = Image.effect_noise((2400, 1800), 40)
    gradient = Image.linear_gradient("L").resize(noise.size)
    bands = [Image.blend(gradient.rotate(angle), noise, 0.35) for angle in (0, 90, 180)]
    content = BytesIO()
    Image.merge("RGB", bands).save(content, "JPEG", quality=92, subsampling=2)
    return content.getvalue()


def _us_phone(number: int) -> str:
    return f"+1206{2_000_000 + number * _STEP % 7_999_999}"


def _post_phone(path: str, phone: str, number: int, block: int = 18, **fields: str) -> bytes:
    body = json.dumps({"phone": phone, **fields})
    return encode_request("POST", path, body=body, client_ip=client_ip(number * _STEP, block))
