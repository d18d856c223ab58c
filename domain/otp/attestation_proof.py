"""A proof that a client sends before a message is sent for it."""

from dataclasses import dataclass
from typing import Final

MAX_RESPONSE_LENGTH: Final = 8_192
"""Characters of a response. The longest are those of reCAPTCHA, with some 2,000."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof as the client sent it: two texts that may be anything."""

    type: str
    response: str
