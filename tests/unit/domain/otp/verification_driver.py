"""A driver for tests of one phone: it requests and verifies codes as the use cases do."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.attempts import (
    Correct,
    Exhausted,
    OtpAttempt,
    Retried,
    VerificationResult,
    Wrong,
)
from domain.otp.challenge import Challenge, OtpCode, Purpose
from domain.otp.compared_code import ComparedCode, compare_code, count_attempt
from domain.otp.delivery import HashedClientIp, ValidDeviceToken
from domain.otp.delivery_policy import ONLY_SMS, DeliveryDecision, DeliveryPolicy
from domain.otp.otp_request import OtpRequest
from domain.otp.permits import Clients, Permits
from domain.otp.phone_limits import find_standing
from domain.otp.phone_verification import PhoneVerification
from domain.otp.sliding_window import whole_seconds
from tests.support.builders import NOW, a_challenge, a_hashed_ip, an_id

HOME_IP: Final = "203.0.113.7"
WORK_IP: Final = "198.51.100.20"
WRONG_CODE: Final = "999999"
IDENTITY_ID: Final = an_id(1000)
DEVICE: Final = ValidDeviceToken("a-device", IDENTITY_ID)
HOUR: Final = 60 * 60
DAY: Final = 24 * HOUR


def unknown_ip(number: int) -> str:
    """Return an IP of a different network for each number."""
    return f"2001:db8:{number:x}::/64"


def code_of(challenge: Challenge) -> str:
    """Return the code that the driver derives from a challenge: 000001, 000002 and so on."""
    return f"{int(challenge.id, 16):06d}"


@dataclass
class VerificationDriver:
    """The state of one phone, and a clock."""

    verification: PhoneVerification = field(default_factory=PhoneVerification)
    now: datetime = NOW
    policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    wrong_codes: "count[int]" = field(default_factory=lambda: count(900_000))
    device: ValidDeviceToken | None = None
    key_ids: Collection[str] = (a_challenge().key_id,)
    token_id: str | None = None

    @property
    def purpose(self) -> Purpose:
        """What codes are for: a verification if there is a service token."""
        return Purpose.VERIFICATION if self.token_id else Purpose.SIGN_IN

    def hashed_ip(self, client_ip: str) -> HashedClientIp:
        hashed = a_hashed_ip(client_ip)
        return hashed.named_by_token() if self.token_id else hashed

    def wait(self, seconds: float = 0, **duration: float) -> None:
        """Advance the clock."""
        self.now += timedelta(seconds=seconds, **duration)

    def copy(self, *, after: float = 0) -> "VerificationDriver":
        """Return a copy whose clock is `after` seconds ahead. This driver does not change."""
        return replace(self, now=self.now + timedelta(seconds=after))

    def request(self, client_ip: str = HOME_IP) -> DeliveryDecision:
        """Request a code now."""
        number = next(self.numbers)
        challenge = a_challenge(
            id=an_id(number),
            purpose=self.purpose,
            bound_to=self.token_id,
            created_at=self.now,
            expires_at=self.now + timedelta(minutes=5),
        )
        request = OtpRequest(
            client_ip=self.hashed_ip(client_ip),
            now=self.now,
            new_challenge=challenge,
            key_ids=self.key_ids,
            new_request_id=f"request-{number}",
            channels=ONLY_SMS,
            providers=("twilio", "vonage"),
            policy=self.policy,
            device=self.device,
        )
        check = find_standing(self.verification, request)
        permits = Permits(self.now, Clients.STRANGERS)
        self.verification, decision = check.add_delivery(permits)
        return decision

    def deliver(self, client_ip: str = HOME_IP) -> DeliveryDecision:
        """Wait until a delivery is allowed, as each response says, and request it."""
        for _ in range(20):
            try:
                decision = self.request(client_ip)
            except TooManyOtpRequests as error:
                self.wait(error.retry_after)
                continue
            if decision.is_new:
                return decision
            self.now = decision.next_request_at
        raise AssertionError("Nothing was delivered although the driver waited as long as required")

    def verify(
        self, code: str, client_ip: str = HOME_IP, request_id: str | None = None
    ) -> VerificationResult:
        """Verify a code now.

        Raises:
            TooManyAttempts
        """
        check = self.check(code, client_ip, request_id)
        self.verification, result = count_attempt(self.verification, check)
        if isinstance(result, Exhausted):
            raise TooManyAttempts(whole_seconds(self.now, result.until))
        return result

    def check(
        self, code: str = WRONG_CODE, client_ip: str = HOME_IP, request_id: str | None = None
    ) -> ComparedCode:
        """Compare a code now, and count nothing."""
        attempt = self._attempt(code, client_ip, request_id)
        return compare_code(
            self.verification,
            attempt,
            lambda candidates: {challenge.id: code_of(challenge) for challenge in candidates},
        )

    def accepts(self, code: str, client_ip: str = HOME_IP, request_id: str | None = None) -> bool:
        """Verify a code now, and return whether it is correct.

        Raises:
            TooManyAttempts
        """
        return isinstance(self.verify(code, client_ip, request_id), Correct)

    def can_log_in(
        self, code: str, client_ip: str = HOME_IP, request_id: str | None = None
    ) -> bool:
        """Verify a code now, and return whether the client gets the login of the code."""
        return can_log_in(self.verify(code, client_ip, request_id))

    def fail(
        self, attempts: int, client_ip: str = HOME_IP, request_id: str | None = None
    ) -> list[int]:
        """Verify several wrong codes. Return the attempts left after each."""
        return [
            attempts_left(self.verify(str(next(self.wrong_codes)), client_ip, request_id))
            for _ in range(attempts)
        ]

    def fail_in_a_row(self, failures: int) -> None:
        """Let strangers have failed so many times in a row, the last time now."""
        failed = replace(self.verification.failures, in_a_row=failures, last_failed_at=self.now)
        self.verification = replace(self.verification, failures=failed)

    def use_up_deliveries(self) -> None:
        """Request from several networks until strangers have used up those of a day."""
        for number in range(12):
            self.deliver(unknown_ip(number))

    def reject(self, request_id: str) -> None:
        """Note that every provider rejected a delivery."""
        self.verification = self.verification.reject_delivery(request_id, "acme", "busy")

    def _attempt(self, code: str, client_ip: str, request_id: str | None) -> OtpAttempt:
        return OtpAttempt(
            code=OtpCode(code),
            client_ip=self.hashed_ip(client_ip),
            now=self.now,
            request_id=request_id,
            device=self.device,
            new_identity_id=IDENTITY_ID,
            new_session_id="a-session",
            purpose=self.purpose,
            bound_to=self.token_id,
        )

    def log_in(self, client_ip: str = HOME_IP) -> None:
        """Deliver a code and verify it, and wait a second. The IP is trusted from then on."""
        decision = self.deliver(client_ip)
        assert self.accepts(code_of(decision.challenge), client_ip)
        self.wait(1)


def attempts_left(result: VerificationResult) -> int:
    """Return how many attempts the client of a rejected code has left."""
    return result.attempts_left if isinstance(result, Wrong) else 0


def can_log_in(result: VerificationResult) -> bool:
    """Return whether the client gets the login of the code."""
    return isinstance(result, Correct | Retried)
