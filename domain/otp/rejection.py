"""Why a request for a code was rejected before any provider was called."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.otp.delivery import ONE_DAY, Channel
from domain.otp.permits import Recognition

MAX_REJECTIONS: Final = 10
"""How many a phone keeps."""
COUNTRY_NOT_SERVED: Final = "country_not_served"
NUMBER_NOT_SERVED: Final = "number_not_served"
PHONE_IS_BLOCKED: Final = "block_phone"
PROVIDER_PAUSED: Final = "provider_paused"
PROOF_REQUIRED: Final = "proof_required"
BLOCKED_NETWORK: Final = "block_network"
"""What rejects a request that no limit rejects, in the place of a limit's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A request for a code that was rejected. It names nobody.

    Attributes:
        limit: The name of the limit that rejected it (`name_limit`, `Limitation`), or one of the
            names above; empty if it is not known.
        owner: Whose limit is used up; empty if it is everybody's.
        until: When the same request can succeed, as the client was told; None if it is not known.
        provider: The one that has a pause until then, because of `cause`; empty for other reasons.
    """

    at: datetime
    channel: Channel
    limit: str
    owner: str = ""
    until: datetime | None = None
    recognition: Recognition = Recognition.NONE
    has_proof: bool = False
    provider: str = ""
    cause: str = ""

    @property
    def expires_at(self) -> datetime:
        return self.at + ONE_DAY
