"""A phone's record over time, asked and answered as a use case would."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from domain.errors import TooManyOtpRequests
from domain.otp.attempts import OtpAttempt, VerificationResult
from domain.otp.challenge import OtpCode
from domain.otp.delivery import OtpRequest
from domain.otp.delivery_policy import DeliveryDecision, DeliveryPolicy
from domain.otp.phone_verification import PhoneVerification
from tests.support.builders import NOW, a_challenge, an_id

HOME: Final = "203.0.113.7"
WORK: Final = "198.51.100.20"
WRONG: Final = "999999"


def stranger(number: int) -> str:
    """A different address for each number."""
    return f"2001:db8:0:{number:x}::/64"


@dataclass
class Desk:
    """Holds one record; the codes of its challenges are 000001, 000002 and so on."""

    record: PhoneVerification = field(default_factory=PhoneVerification)
    now: datetime = NOW
    limits: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    fresh: "count[int]" = field(default_factory=lambda: count(1))

    def wait(self, seconds: float = 0, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds, **span)

    def later(self, seconds: float) -> "Desk":
        """The same desk at another time, whatever becomes of this one."""
        return replace(self, now=self.now + timedelta(seconds=seconds))

    def ask(self, address: str = HOME) -> DeliveryDecision:
        """Ask for a code now."""
        number = next(self.fresh)
        challenge = a_challenge(
            id=an_id(number), created_at=self.now, expires_at=self.now + timedelta(minutes=5)
        )
        ask = OtpRequest(address, self.now, challenge, f"request-{number}")
        self.record, asked = self.record.request_delivery(ask, self.limits)
        return asked

    def send(self, address: str = HOME) -> DeliveryDecision:
        """Ask as soon as a message goes out; that it goes in the end is asked for here too."""
        for _ in range(20):
            try:
                asked = self.ask(address)
            except TooManyOtpRequests as refusal:
                self.wait(refusal.retry_after)
                continue
            if asked.is_new:
                return asked
            self.now = asked.next_request_at
        raise AssertionError("no message goes out, however often one asks")

    def answer(
        self, digits: str, address: str = HOME, request_id: str | None = None
    ) -> VerificationResult:
        """Answer with a code now."""
        codes = {one.id: code_of(one.id) for one in self.record.active_challenges(self.now)}
        answer = OtpAttempt(OtpCode(digits), address, self.now, request_id)
        self.record, judged = self.record.verify(answer, codes)
        return judged

    def tries(self, times: int, address: str = HOME, request_id: str | None = None) -> list[int]:
        """Answer wrongly so many times; say how many tries were left after each."""
        return [self.answer(WRONG, address, request_id).attempts_left for _ in range(times)]


def code_of(challenge_id: str) -> str:
    """The code that the desk gives to a challenge."""
    return f"{int(challenge_id, 16):06d}"
