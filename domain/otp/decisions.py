"""What is put to a phone's record, and what it answers."""

from dataclasses import dataclass
from datetime import datetime

from domain.otp.challenge import Challenge
from domain.otp.code import OtpCode
from domain.otp.delivery import Delivery


@dataclass(frozen=True, slots=True)
class OtpRequest:
    """Somebody at `address` wants a code; the ids are fresh ones, used if a send is made."""

    client_ip: str
    now: datetime
    new_challenge: Challenge
    new_request_id: str


@dataclass(frozen=True, slots=True)
class DeliveryDecision:
    """The send that an ask made or refers to, and when the same address may ask again.

    `is_new` is False when nothing has to go out: the send's code is still on its way to, or
    with, the address that asks again. `is_withheld` says that the phone is blocked: the caller
    is told what any caller is told.
    """

    delivery: Delivery
    challenge: Challenge
    next_request_at: datetime
    is_new: bool
    is_suppressed: bool = False

    @property
    def should_deliver(self) -> bool:
        """Whether a message is to leave."""
        return self.is_new and not self.is_suppressed


@dataclass(frozen=True, slots=True)
class OtpAttempt:
    """Somebody at `address` answers with a code, naming a request or not."""

    code: OtpCode
    client_ip: str
    now: datetime
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """Whether an answer is right, how many more its caller may give, and how its code came.

    `brought_by` is set when it is right: the send that was named, or else the latest of the code.
    """

    is_correct: bool
    attempts_left: int
    delivery: Delivery | None = None
