"""Attempts to verify a code, and their results."""

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Final

from domain.otp.challenge import Challenge, Login, OtpCode, Purpose
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Channel, Delivery, ValidDeviceToken

DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class OtpAttempt:
    """A code that a client sent.

    Attributes:
        digest_key: makes wrong codes comparable without storing them.
        new_identity_id: is assigned to a phone without an identity if the code is correct.
        new_session_id: the session that the code is used for if it is correct.
        identity_id: the identity whose phone the code is to change, if it is to change one.
    """

    code: OtpCode
    client_ip: HashedClientIp
    now: datetime
    digest_key: bytes = b""
    request_id: str | None = None
    device: ValidDeviceToken | None = None
    new_identity_id: str = ""
    new_session_id: str = ""
    purpose: Purpose = Purpose.SIGN_IN
    identity_id: str | None = None

    def digest(self, challenge_id: str) -> str:
        message = f"{challenge_id}\0{self.code.digits}".encode()
        return blake2b(message, key=self.digest_key, digest_size=DIGEST_BYTES).hexdigest()


@dataclass(frozen=True, slots=True)
class LoginRejection:
    """The login hook rejected a login, for a user or for somebody new."""

    text: str
    user_id: str | None


@dataclass(frozen=True, slots=True)
class LoginApproval:
    """The hook let somebody log in. The claims of the session are JSON, empty for none."""

    claims: str = ""


LoginDecision = LoginApproval | LoginRejection


@dataclass(frozen=True, slots=True)
class UsedCode:
    """A code that was used: its challenge, its login, and the delivery that had it.

    `carrier` is the delivery of the named request, or else the latest one of the code. `deliveries`
    are all that carried the code, with the permits that they had before.
    """

    challenge: Challenge
    login: Login
    carrier: Delivery
    is_device_recognized: bool
    deliveries: tuple[Delivery, ...] = ()

    def with_login(self, login: Login) -> "UsedCode":
        return replace(self, challenge=replace(self.challenge, login=login), login=login)

    @property
    def channel(self) -> Channel:
        return self.carrier.channel


@dataclass(frozen=True, slots=True)
class Correct:
    """The code is correct, and used now."""

    code: UsedCode


@dataclass(frozen=True, slots=True)
class Retried:
    """The client that used the code sends it again. Nothing is counted."""

    code: UsedCode


@dataclass(frozen=True, slots=True)
class OfBlockedPhone:
    """The code is correct, and used now or before by this client; but the phone is blocked."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """No code is correct.

    `is_counted` is False for the same wrong code again, for somebody else's code that was just
    used, and where no code is active.
    """

    attempts_left: int
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The attempt is not looked at: its client has none left, until the code ends."""

    until: datetime


VerificationResult = Correct | Retried | OfBlockedPhone | Wrong | Exhausted


def used_code(result: VerificationResult) -> UsedCode | None:
    """Return the code that a client used, now or before; None if it used none."""
    match result:
        case Correct(code) | Retried(code):
            return code
        case _:
            return None
