"""A callback: a call to a phone with a code, because somebody asked for it by calling."""

from dataclasses import dataclass
from datetime import datetime

from domain.otp.attempt_counters import AttemptCounter
from domain.otp.challenge import Challenge


@dataclass(frozen=True, slots=True)
class Callback:
    """A call with the code of a challenge of its own, and with attempts of its own.

    A caller id is a claim, so anybody can cause a callback. It uses up nothing of the app's
    deliveries and attempts.

    Attributes:
        challenge: Its code is read in the call and accepted without a request id.
        requested_at: When the caller asked for it.
        call_id: The call that reads the code.
        counter: The attempts without a request id, for any client.
    """

    challenge: Challenge
    requested_at: datetime
    call_id: str
    counter: AttemptCounter
