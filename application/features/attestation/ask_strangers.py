"""Ask every stranger for a proof, not only where a limit is full."""

from datetime import datetime, timedelta
from typing import Final

from domain.otp.permits import Recognition
from domain.otp.rate_limits import Restriction
from domain.otp.rejection import PROOF_REQUIRED

RETRY_PERIOD: Final = timedelta(hours=1)
"""When a client that makes no proof may ask again: an operator may have switched it off."""


def ask_strangers(_: str, recognition: Recognition, now: datetime) -> Restriction | None:
    """Return that a stranger gets a code for a proof only."""
    if recognition is not Recognition.NONE:
        return None
    return Restriction(name=PROOF_REQUIRED, until=now + RETRY_PERIOD, ends_with_proof=True)
