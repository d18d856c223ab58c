"""The real use cases with a moving clock, and attackers who act while it moves.

Time advances in steps, and the attackers act in each of them. They act first: directly before each
request of an owner, and between the message and the owner's attempt. That is the worst case.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Final

from application.otp.log_in import LoggedIn
from application.otp.request_otp import RequestOtpResult
from domain.errors import RateLimitExceeded
from domain.features.attestation.errors import AttestationRequired
from domain.identities.device_token import DeviceToken
from domain.otp.rate_limits import RateLimits
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone
from tests.support.core_harness import wrong_code
from tests.support.fakes.attestation import FakeAttestation, solve

CODES: Final = 1_000_000
SECONDS_TO_TYPE: Final = 20
KNOWN_IP: Final = "203.0.113.7"
MAX_ATTEMPTS_IN_A_BURST: Final = 6


@dataclass(frozen=True, slots=True)
class Owner:
    """Who wants to log in during an attack.

    Attributes:
        title: What the tables call it.
        phone: The number.
        has_account: The owner signed in before.
        is_old: The account has the right to the reserve.
        is_at_known_ip: The owner is where that was. Otherwise each login is at a new IP.
        has_token: The app sends a device token.
        sends_id: The app sends the request id.
        sends_proof: The app sends a proof where one is asked for.
    """

    title: str
    phone: PhoneNumber = a_phone()
    has_account: bool = True
    is_old: bool = False
    is_at_known_ip: bool = False
    has_token: bool = False
    sends_id: bool = False
    sends_proof: bool = False

    def client_ip(self, login: int = 0) -> str:
        """Return the IP of a login."""
        return KNOWN_IP if self.is_at_known_ip else f"203.0.113.{20 + login}"


class Simulation:
    """The use cases over empty repositories, and what the strangers achieved.

    `expected_hits` is the expected number of their correct guesses: the sum over all guesses that
    were looked at of the active codes, divided by a million.
    """

    def __init__(self, *, has_attestation: bool = False) -> None:
        """Start without any phone."""
        self.attestation = FakeAttestation()
        self.harness = AppHarness(
            policy=make_policy(rate_limits=RateLimits(has_attested_part=has_attestation)),
            attestation=self.attestation if has_attestation else None,
        )
        self.expected_hits = 0.0
        self.checked_guesses = 0
        self._codes: dict[PhoneNumber, str] = {}
        self._messages_read = 0
        self._guesses = count(1)

    @property
    def now(self) -> datetime:
        """The simulated time."""
        return self.harness.clock.now()

    @property
    def messages(self) -> int:
        """How many messages were sent."""
        return len(self.harness.messenger.messages)

    @property
    def proofs(self) -> int:
        """How many proofs were sent."""
        return len(self.attestation.verified)

    def code_of(self, phone: PhoneNumber) -> str:
        """Return the code of the latest message to the phone."""
        sent = self.harness.messenger.messages
        for message in sent[self._messages_read :]:
            self._codes[message.phone] = message.code
        self._messages_read = len(sent)
        return self._codes.get(phone, "000000")

    async def request(
        self,
        phone: PhoneNumber,
        client_ip: str,
        device_token: DeviceToken | None = None,
        *,
        sends_proof: bool = False,
    ) -> RequestOtpResult | RateLimitExceeded:
        """Request a code, and request it again with a proof where one is asked for."""
        request = partial(
            self.harness.request_otp,
            phone,
            client_ip,
            device_token=device_token,
            accepts_attestation=sends_proof,
        )
        try:
            try:
                return await request()
            except AttestationRequired as required:
                return await request(proof=solve(required))
        except RateLimitExceeded as error:
            return error

    async def verify(
        self,
        phone: PhoneNumber,
        client_ip: str,
        request_id: str | None = None,
        device_token: DeviceToken | None = None,
        code: str | None = None,
    ) -> LoggedIn | None:
        """Send the code of the latest message, or this one. None if it is rejected."""
        code = code or self.code_of(phone)
        try:
            result = await self.harness.verify_otp(
                code, phone, client_ip, request_id=request_id, device_token=device_token
            )
        except RateLimitExceeded:
            return None
        return result if isinstance(result, LoggedIn) else None

    async def guess(
        self, phone: PhoneNumber, client_ip: str, request_id: str | None = None
    ) -> bool:
        """Send a wrong code, a different one each time. Return whether it was looked at."""
        code = wrong_code(self.code_of(phone), next(self._guesses) % (CODES - 1) + 1)
        try:
            await self.harness.verify_otp(code, phone, client_ip, request_id=request_id)
        except RateLimitExceeded:
            return False
        loaded = await self.harness.use_cases.repositories.phone_verifications.load(phone)
        active = len(loaded.value.challenges.active(self.now))
        if active:
            self.checked_guesses += 1
            self.expected_hits += (1 if request_id else active) / CODES
        return True

    async def guess_all(
        self, phone: PhoneNumber, client_ip: str, request_id: str | None = None
    ) -> None:
        """Guess until a limit is reached."""
        for _ in range(MAX_ATTEMPTS_IN_A_BURST):
            if not await self.guess(phone, client_ip, request_id):
                return

    async def advance(self, by: timedelta) -> None:
        """Advance the clock, and delete expired permits, as the cleanup does."""
        self.harness.clock.advance(by)
        await self.harness.limits.limit_store.delete_expired(self.now, CODES)


@dataclass(slots=True)
class Attack:
    """Attackers who act again and again while time passes."""

    simulation: Simulation
    act: Callable[[], Awaitable[None]]
    period: timedelta

    async def wait(self, duration: timedelta) -> None:
        """Let this time pass."""
        until = self.simulation.now + duration
        while (left := until - self.simulation.now) > timedelta(0):
            await self.simulation.advance(min(left, self.period))
            await self.act()


def client_ips(ips: int) -> Sequence[str]:
    """Return so many IPs, each in a network of its own: the best for attackers."""
    return [f"10.{number >> 8}.{number & 255}.9" for number in range(ips)]
