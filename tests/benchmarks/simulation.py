"""The real use cases with a moving clock, and the clients of a simulation: owners and strangers.

Time advances in steps, and the strangers act in each of them. They act first: directly before each
request of an owner, and between the message and the owner's attempt. That is the worst case.
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import count, cycle, islice
from typing import Final

from application.identities.login import LoggedIn
from application.otp.request_otp import RequestOtpResult
from domain.attestation.errors import AttestationRequired
from domain.errors import RateLimitExceeded
from domain.identities.device_token import DeviceToken
from domain.otp.challenge import OTP_TTL
from domain.otp.rate_limits import RateLimits
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.core_harness import wrong_code
from tests.support.fakes.attestation import FakeAttestation, solve
from tests.support.policies import make_policy
from tests.support.repositories import OpenRepositories

PRICE_PER_MESSAGE: Final = 0.05
"""In US dollars. Prices are from 0.01 to 0.30 by country."""
CODES: Final = 1_000_000
SECONDS_TO_TYPE: Final = 20
KNOWN_IP: Final = "203.0.113.7"
OWN_IP: Final = 0
"""In place of a number of IPs: the strangers have the IP of the owner."""
IPS_IN_A_BURST: Final = 60
"""More do not matter at one phone: after 50 failures in a row unknown IPs have no attempt."""
REQUESTS_IN_A_BURST: Final = 8
IDS_IN_USE: Final = 8
MAX_ATTEMPTS_IN_A_BURST: Final = 6


class Owner(StrEnum):
    """How the service can know the owner of a phone."""

    DEVICE = "device token, new IP"
    REQUEST_ID = "`request_id`, new IP"
    REQUEST_ID_AT_KNOWN_IP = "`request_id`, known IP"
    KNOWN_IP = "neither, known IP"
    NEW_IP = "neither, new IP"

    @property
    def is_at_known_ip(self) -> bool:
        """Whether the owner logged in from this IP before."""
        return self not in {Owner.DEVICE, Owner.REQUEST_ID, Owner.NEW_IP}

    @property
    def sends_id(self) -> bool:
        """Whether the app sends the request id."""
        return self in {Owner.REQUEST_ID, Owner.REQUEST_ID_AT_KNOWN_IP}

    def client_ip(self, login: int) -> str:
        """Return the IP of a login: a new one each time, or the known one."""
        return KNOWN_IP if self.is_at_known_ip else f"203.0.113.{20 + login}"


class Simulation:
    """The use cases over empty repositories, and what the strangers achieved.

    `expected_hits` is the expected number of their correct guesses: the sum over all guesses that
    were looked at of the active codes, divided by a million.
    """

    def __init__(
        self, repositories: OpenRepositories | None = None, *, has_attestation: bool = False
    ) -> None:
        """Start without any phone."""
        self.attestation = FakeAttestation()
        self.harness = AppHarness(
            repositories=repositories,
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
        active = len(loaded.value.active_challenges(self.now))
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
class Strangers:
    """Attackers who know one phone.

    - All at once: they request and guess until limits stop them, each quarter of an hour. If they
      have the IP of the owner, they also use up its limit of attempts, at other phones.
    - Slowly: one request and one guess of each kind at a time, each five minutes.
    """

    simulation: Simulation
    phone: PhoneNumber
    client_ips: Sequence[str]
    in_bursts: bool
    has_own_ip: bool = False
    request_ids: list[str] = field(default_factory=list)
    last_sent_at: datetime | None = None
    turns: "count[int]" = field(default_factory=count)

    @property
    def period(self) -> timedelta:
        """The time from one step to the next."""
        return timedelta(minutes=15 if self.in_bursts else 5)

    async def act(self) -> None:
        """Request, guess with the ids of the latest requests, and guess without an id."""
        for _ in range(REQUESTS_IN_A_BURST if self.in_bursts else 1):
            if not await self._request():
                break
        if self.in_bursts and self.has_own_ip:
            await self._use_up_attempts_of_ip()
        now = self.simulation.now
        if self.last_sent_at is None or now - self.last_sent_at > OTP_TTL:
            return  # No code is active.
        if self.in_bursts:
            for request_id in self.request_ids[-IDS_IN_USE:]:
                await self.simulation.guess_all(self.phone, self._next_ip(), request_id)
            for client_ip in self._ips_of_burst():
                await self.simulation.guess_all(self.phone, client_ip)
            return
        await self.simulation.guess(self.phone, self._next_ip(), self.request_ids[-1])
        await self.simulation.guess(self.phone, self._next_ip())

    async def _use_up_attempts_of_ip(self) -> None:
        for number in count(2):  # the owner has the first
            if not await self.simulation.guess(a_phone(number), self._next_ip()):
                return

    async def _request(self) -> bool:
        result = await self.simulation.request(self.phone, self._next_ip())
        if isinstance(result, RateLimitExceeded):
            return False
        self.request_ids.append(result.request_id)
        if result.sent:
            self.last_sent_at = self.simulation.now
        return True

    def _next_ip(self) -> str:
        return self.client_ips[next(self.turns) % len(self.client_ips)]

    def _ips_of_burst(self) -> Sequence[str]:
        first = next(self.turns)
        ips = islice(cycle(self.client_ips), first % len(self.client_ips), None)
        return list(islice(ips, min(len(self.client_ips), IPS_IN_A_BURST)))


@dataclass(slots=True)
class LoginOutcome:
    """What happened when an owner wanted to log in."""

    seconds: float = math.inf
    rejected_requests: int = 0
    rejected_attempts: int = 0

    @property
    def is_served(self) -> bool:
        """Whether the owner logged in before the deadline."""
        return self.seconds < math.inf

    def violates_rules(self, owner: Owner) -> bool:
        """Return whether an owner was rejected who must never be: with a device token or an id.

        An owner who got no id yet is like one without.
        """
        if owner is Owner.DEVICE:
            return bool(self.rejected_requests + self.rejected_attempts)
        return owner.sends_id and bool(self.rejected_attempts)


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


@dataclass(slots=True)
class SimulatedOwner:
    """An owner, who does what the responses say until the login succeeds."""

    simulation: Simulation
    kind: Owner
    phone: PhoneNumber = field(default_factory=a_phone)
    device_token: DeviceToken | None = None

    async def prepare(self) -> None:
        """Log in from the known IP, two days before the attack."""
        simulation = self.simulation
        await simulation.request(self.phone, KNOWN_IP)
        logged_in = await simulation.verify(self.phone, KNOWN_IP)
        assert logged_in is not None
        if self.kind is Owner.DEVICE:
            self.device_token = logged_in.device_token
        await simulation.advance(timedelta(days=2))

    async def log_in(self, number: int, attack: Attack, deadline: timedelta) -> LoginOutcome:
        """Log in while the attack goes on."""
        simulation, login = self.simulation, LoginOutcome()
        client_ip = self.kind.client_ip(number)
        started_at = simulation.now
        while simulation.now - started_at < deadline:
            await attack.act()
            requested = await simulation.request(self.phone, client_ip, self.device_token)
            if isinstance(requested, RateLimitExceeded):
                login.rejected_requests += 1
                rest = started_at + deadline - simulation.now
                await attack.wait(min(timedelta(seconds=requested.retry_after), rest))
                continue
            code = simulation.code_of(self.phone)  # attackers may cause another message
            await attack.act()
            await attack.wait(timedelta(seconds=SECONDS_TO_TYPE))
            request_id = requested.request_id if self.kind.sends_id else None
            if await simulation.verify(
                self.phone, client_ip, request_id, self.device_token, code=code
            ):
                login.seconds = (simulation.now - started_at).total_seconds()
                break
            login.rejected_attempts += 1
        return login


def client_ips(ips: int) -> Sequence[str]:
    """Return so many IPs, each in a network of its own: the best for attackers."""
    return [f"10.{number >> 8}.{number & 255}.9" for number in range(ips)]
