"""The cells of the bench: each measures one scenario on one side."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from tests.benchmarks.load import client_ip, encode_request
from tests.benchmarks.speed.processes import HttpProcess
from tests.benchmarks.speed.wrk import Load, send_requests, sign_in, write_requests

CONNECTIONS: Final = 32
MAX_CODES_PER_SECOND: Final = 6_000
FIRST_SIGN_IN: Final = 4_000_000
"""The phones of sign-ins are others than those of `RequestCodes`, whose codes nobody verifies."""
GUESSES_PER_PHONE: Final = 4
"""With five, the code would be used up."""
FULL_LIMIT: Final = {"DIALTONE_SMS_LIMIT_PER_COUNTRY": "5000/1h"}
"""A limit that `RejectedRequests` fills within seconds, and that stays full for the whole run."""
_MAX_FILLING_SECONDS: Final = 60
_REJECTED: Final = "429"
_STEP: Final = 7_919
"""Spreads neighbors over the number ranges, networks and IPs that share a limit."""
_BOUNDARY: Final = "bench-boundary"


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one scenario.

    `cpu_us` is the CPU time of the side for each response, `database_cpu_us` that of its server.
    """

    side: str
    scenario: str
    database: str
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    database_cpu_us: float
    errors: int


@dataclass(frozen=True, slots=True)
class SignInApi:
    """How a side takes requests for a code (PHONE), and its verification (PHONE and CODE)."""

    request_path: str
    request_body: str
    verify_path: str
    verify_body: str
    message: str
    """The phone and the code in what it prints, as a pattern of Lua."""
    signed_in: str
    """What no response has but that to a correct code."""

    def encode_request(self, phone: str, number: int, block: int = 18) -> bytes:
        """Return a request for a code from one of many IPs."""
        return _post(self.request_path, self.request_body.replace("PHONE", phone), number, block)

    def encode_verification(self, phone: str, number: int, code: str) -> bytes:
        """Return the verification of a code from the same IP."""
        body = self.verify_body.replace("PHONE", phone).replace("CODE", code)
        return _post(self.verify_path, body, number)


DIALTONE: Final = SignInApi(
    request_path="/auth/request-otp",
    request_body='{"phone": "PHONE"}',
    verify_path="/auth/verify-otp",
    verify_body='{"phone": "PHONE", "otp": "CODE"}',
    message="To: (%+%d+).-%f[%d](%d%d%d%d%d%d)%f[%D]",
    signed_in='"access_token"',
)


@dataclass(slots=True)
class HttpCell:
    """Sends the requests of a file in turn, and goes on where the last run ended."""

    server: HttpProcess
    scenario: str
    requests: Path
    seconds: int = 1
    connections: int = CONNECTIONS
    sent: int = 0

    def warm_up(self) -> None:
        """Let the server open its connections; what it knows of users stays cold."""
        for _ in range(self.server.warm_ups):
            sample = self.measure()
            if sample.errors:
                raise SystemExit(f"errors before the first round: {sample}")

    def measure(self) -> Sample:
        """Measure with wrk."""
        self.prepare()
        before, database_before = self.server.cpu_seconds(), self.server.database_cpu_seconds()
        load = self.send()
        cpu = self.server.cpu_seconds() - before
        database_cpu = self.server.database_cpu_seconds() - database_before
        self.server.wait_until_idle()
        self.sent += load.responses
        return Sample(
            side=self.server.name,
            scenario=self.scenario,
            database=self.server.database,
            rate=load.rate,
            p50_ms=load.p50_ms,
            p99_ms=load.p99_ms,
            cpu_us=cpu / max(1, load.responses) * 1e6,
            database_cpu_us=database_cpu / max(1, load.responses) * 1e6,
            # Without any response, no connection was served.
            errors=self.count_errors(load) if load.responses else self.connections,
        )

    def prepare(self) -> None:
        """Write the requests, if each run has others."""

    def send(self) -> Load:
        """Send requests for so long."""
        return send_requests(
            self.server.url, self.requests, self.connections, self.seconds, self.sent
        )

    def count_errors(self, load: Load) -> int:
        """Return how many requests had no response, or one with another status than expected."""
        return load.rejected + load.socket_errors


@dataclass(slots=True, kw_only=True)
class RequestCodes(HttpCell):
    """Requests a code for another phone each time."""

    api: SignInApi = DIALTONE
    seconds: int = 2
    phones: range = range(0)

    def prepare(self) -> None:
        """Write requests for other phones."""
        first = self.phones.stop
        self.phones = range(first, first + MAX_CODES_PER_SECOND * self.seconds)
        write_requests(self.requests, map(self.encode, self.phones))
        self.sent = 0

    def send(self) -> Load:
        """Send requests for so long, and keep the phones that have a code now."""
        load = HttpCell.send(self)
        self.phones = self.phones[: max(1, load.responses)]
        return load

    def encode(self, number: int) -> bytes:
        """Return the request for this phone."""
        return self.api.encode_request(_us_phone(number), number)


@dataclass(slots=True, kw_only=True)
class RejectedRequests(RequestCodes):
    """Requests codes in a country whose limit is full; the server runs with `FULL_LIMIT`."""

    def warm_up(self) -> None:
        """Fill the limit."""
        for _ in range(_MAX_FILLING_SECONDS // self.seconds):
            if not self.measure().errors:
                break
        status = self.server.read_status(self.encode(self.phones.stop))
        if status != _REJECTED:
            raise SystemExit(f"{self.scenario} on {self.server.name}: {status}, not {_REJECTED}")

    def count_errors(self, load: Load) -> int:
        """Return how many requests had no response or were not rejected."""
        return load.responses - load.rejected + load.socket_errors

    def encode(self, number: int) -> bytes:
        """Return the request for this phone, in a country and networks that no other cell uses."""
        phone = f"+44740{number * _STEP % 9_999_991:07}"
        return self.api.encode_request(phone, number, block=19)


@dataclass(slots=True, kw_only=True)
class WrongCodes(HttpCell):
    """Sends several wrong codes for each phone whose code was requested last.

    A code that is repeated within ten seconds does not count, and costs something else.
    """

    requested: RequestCodes
    rejects_by_status: bool = False
    """Whether the response to a wrong code has another status than 2xx."""

    def prepare(self) -> None:
        """Request codes, and write wrong ones for their phones."""
        self.requested.measure()
        guesses = (
            self.requested.api.encode_verification(_us_phone(number), number, f"{guess:06}")
            for guess in range(GUESSES_PER_PHONE)
            for number in self.requested.phones
        )
        write_requests(self.requests, guesses)
        self.sent = 0

    def count_errors(self, load: Load) -> int:
        """Return how many requests had no response, or another status than expected."""
        other = load.responses - load.rejected if self.rejects_by_status else load.rejected
        return other + load.socket_errors


@dataclass(slots=True, kw_only=True)
class SignIns(HttpCell):
    """Requests a code for another phone each time, and verifies it when the message is there.

    A sample counts sign-ins; its latencies are those of their two requests.
    """

    api: SignInApi = DIALTONE
    seconds: int = 4  # the codes that are not verified yet at the end have taken their time
    next_number: int = FIRST_SIGN_IN

    def prepare(self) -> None:
        """Write requests for other phones."""
        first = self.next_number
        numbers = range(first, first + MAX_CODES_PER_SECOND * self.seconds)
        self.next_number = numbers.stop
        write_requests(self.requests, self._encode(numbers))

    def send(self) -> Load:
        """Sign in with wrk for so long."""
        texts = (self.server.output, self.api.message, self.api.signed_in)
        return sign_in(self.server.url, self.requests, self.connections, self.seconds, *texts)

    def count_errors(self, load: Load) -> int:
        """Return what did not lead to a sign-in; each connection may have a code at the end."""
        unfinished = max(0, load.requests - 2 * load.responses - 2 * self.connections)
        return load.rejected + load.socket_errors + unfinished

    def _encode(self, numbers: range) -> Iterator[bytes]:
        for number in numbers:
            phone = _us_phone(number)
            yield self.api.encode_request(phone, number)
            yield self.api.encode_verification(phone, number, "000000")


def get_with_tokens(path: str, tokens: Iterable[tuple[str, str]]) -> Iterable[bytes]:
    """Return a request with each token; the path may contain the id of its user."""
    for user_id, token in tokens:
        authorization = f"Authorization: Bearer {token}"
        yield encode_request("GET", path.format(user_id=user_id), authorization=authorization)


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


def _post(path: str, body: str, number: int, block: int = 18) -> bytes:
    return encode_request("POST", path, body=body, client_ip=client_ip(number * _STEP, block))
