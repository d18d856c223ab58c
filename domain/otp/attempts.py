"""Attempts to verify a code, their results, and the limit that unknown IPs share."""

from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from domain.otp.callback import Callback
from domain.otp.challenge import Challenge, OtpCode
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Delivery, DeviceProof
from domain.otp.sliding_window import SlidingWindow
from domain.values import dataclass

SHARED_ATTEMPTS: Final = (
    SlidingWindow(15, timedelta(hours=1)),
    SlidingWindow(30, timedelta(days=1)),
)
"""Attempts without a request id from IPs that requested no delivery, all IPs together."""
UNCHALLENGED_ATTEMPTS: Final = SlidingWindow(5, timedelta(hours=1))
"""Attempts of one IP at one phone while no challenge of the phone is active."""
DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class OtpAttempt:
    """A code that a client sent.

    Attributes:
        code: the code.
        client_ip: where it came from.
        now: when it arrived.
        digest_key: makes wrong codes comparable without storing them.
        request_id: the request id that the client sent, if any.
        device: the device that sent it, if it sent a valid device token.
        new_identity_id: is assigned to a phone without an identity if the code is correct.
        new_session_id: the session that the code is used for if it is correct.
        is_limited: a limit of failed attempts that many phones share is used up.
        unchallenged_at: when this IP has an attempt while no challenge is active.
    """

    code: OtpCode
    client_ip: HashedClientIp
    now: datetime
    digest_key: bytes = b""
    request_id: str | None = None
    device: DeviceProof | None = None
    new_identity_id: str = ""
    new_session_id: str = ""
    is_limited: bool = False
    unchallenged_at: datetime | None = None

    def digest(self, delivery_id: str = "") -> str:
        """Identify the code among those that clients tried for a delivery."""
        message = f"{delivery_id}\0{self.code.digits}".encode()
        return blake2b(message, key=self.digest_key, digest_size=DIGEST_BYTES).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationResult:
    """Whether an attempt is correct, and how many more attempts its client has.

    - A correct attempt also has the challenge with its login, and its delivery: that of the
      named request, or the latest delivery of the code. It has the callback instead if the code
      was that of a callback.
    - So does a retry (`is_replay`) of the client that used the code: it gets the login if that
      was not completed, which only the identity knows.
    - `is_counted` says that the phone counted a wrong code. It does not count a repeat, nor a
      code that was just used (`is_replay`).
    - `is_unchallenged` says that no challenge of a message is active. Such attempts leave no
      state, unless they count on a callback.
    - `retry_after` is set if the attempts are used up: the whole seconds until there are more.
    """

    is_correct: bool
    attempts_left: int
    delivery: Delivery | None = None
    callback: Callback | None = None
    challenge: Challenge | None = None
    is_counted: bool = False
    is_replay: bool = False
    is_unchallenged: bool = False
    is_device_recognized: bool = False
    retry_after: int | None = None

    @property
    def call_id(self) -> str | None:
        """The call that reads the code, if there is one."""
        call = self.callback or self.delivery
        return call.call_id if call else None
