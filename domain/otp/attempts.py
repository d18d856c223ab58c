"""Attempts at a code: what came of one, and failures in a row."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from domain.otp.challenge import Challenge, Login, OtpCode, Purpose
from domain.otp.delivery import Channel, Delivery, HashedClientIp, ValidDeviceToken

DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class OtpAttempt:
    """A code that a client sent.

    Attributes:
        digest_key: makes wrong codes comparable without storing them.
        new_identity_id: is assigned to a phone without an identity if the code is correct.
        new_session_id: the session that the code is used for if it is correct.
        bound_to: the identity whose phone the code is to change, or the service token that asks.
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
    bound_to: str | None = None

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
class CorrectAtBlockedPhone:
    """The code is correct, and used now or before by this client; but the phone is blocked."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """No code is correct.

    `is_counted` is False for the same wrong code again, for somebody else's code that was just
    used, and where no code is active. `has_ended` says that none is active, or that it was used.
    """

    attempts_left: int
    is_counted: bool = False
    has_ended: bool = False


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The attempt is not looked at: its client has none left, until the code ends."""

    until: datetime


VerificationResult = Correct | Retried | CorrectAtBlockedPhone | Wrong | Exhausted


def used_code(result: VerificationResult) -> UsedCode | None:
    """Return the code that a client used, now or before; None if it used none."""
    match result:
        case Correct(code) | Retried(code):
            return code
        case _:
            return None


ATTEMPTS: Final = 5
"""A client's attempts at a code, and again per further message of the code that it requested."""
JOINED_ATTEMPTS: Final = 2
"""Attempts of a request's id, or of a network, that caused no message."""
FAILURES_BEFORE_FEWER_ATTEMPTS: Final = 50
"""Failures after which strangers have one attempt, if they caused a message."""
FAILURES_BEFORE_WAIT: Final = 100
"""Failures after which strangers get no messages until a day after the last one."""
FAILURES_AFTER_WAIT: Final = 90
FAILURES_WAIT: Final = timedelta(days=1)
MAX_CLIENT_FAILURES: Final = 20
"""Failures of a recognized device or IP before it is a stranger."""
MAX_FAILED_CLIENTS: Final = 30
FAILURES_TTL: Final = timedelta(days=30)
"""How long failures count after the last one."""


@dataclass(frozen=True, slots=True)
class ClientFailures:
    """The failures in a row of a recognized device or IP, by its id or hash."""

    client_id: str
    count: int
    last_failed_at: datetime


@dataclass(frozen=True, slots=True)
class Failures:
    """The failed attempts of strangers since the last success of anybody, and those of clients.

    A failure of a recognized client counts on that client only: otherwise the typing errors of an
    owner would keep new devices out. Failures at codes of a service token are in the row
    too, but a success ends them only where the same token asked: otherwise it would give others
    further guesses.

    Attributes:
        in_a_row: All failures of the row.
        by_token: How many of these each token had, by its id.
    """

    in_a_row: int = 0
    last_failed_at: datetime | None = None
    by_client: tuple[ClientFailures, ...] = ()
    by_token: tuple[ClientFailures, ...] = ()

    @property
    def expiry_times(self) -> list[datetime]:
        """When the failures of each client and of the phone no longer count."""
        times = [each.last_failed_at + FAILURES_TTL for each in self.by_client]
        return times + ([self.last_failed_at + FAILURES_TTL] if self.last_failed_at else [])

    @property
    def wait_ends_at(self) -> datetime | None:
        """Until when strangers get no messages; None if they get some."""
        if self.last_failed_at is None or self.in_a_row < FAILURES_BEFORE_WAIT:
            return None
        return self.last_failed_at + FAILURES_WAIT

    @property
    def has_fewer_attempts(self) -> bool:
        """Whether only strangers who caused a message have an attempt at its code."""
        return self.in_a_row >= FAILURES_BEFORE_FEWER_ATTEMPTS

    def limit_attempts(self, allowed: int, messages: int) -> int:
        """Return how many of `allowed` attempts a stranger has who caused `messages` messages."""
        if self.wait_ends_at is not None:
            return 0
        return min(1, messages) if self.has_fewer_attempts else allowed

    def is_recognized(self, client_id: str, now: datetime) -> bool:
        """Return whether a device or an IP has failed less than twenty times in a row."""
        return self._count_of(client_id, now) < MAX_CLIENT_FAILURES

    def count(self, client_id: str, now: datetime) -> "Failures":
        if not client_id:
            return replace(self, in_a_row=self.in_a_row + 1, last_failed_at=now)
        counted = ClientFailures(client_id, self._count_of(client_id, now) + 1, now)
        by_client = (*self._without(client_id), counted)[-MAX_FAILED_CLIENTS:]
        return replace(self, by_client=by_client)

    def count_of_token(self, token_id: str, now: datetime) -> "Failures":
        counted = ClientFailures(token_id, self._of_token(token_id) + 1, now)
        by_token = (*self._without_token(token_id), counted)[-MAX_FAILED_CLIENTS:]
        return replace(self, in_a_row=self.in_a_row + 1, last_failed_at=now, by_token=by_token)

    def end_of_token(self, token_id: str) -> "Failures":
        """Return the failures after a right code that a token asked for."""
        in_a_row = self.in_a_row - self._of_token(token_id)
        if in_a_row <= 0:
            return Failures(by_client=self.by_client)
        return replace(self, in_a_row=in_a_row, by_token=self._without_token(token_id))

    def end(self, *client_ids: str) -> "Failures":
        """Return the failures after a success of these clients. Those of other clients stay."""
        return Failures(by_client=self._without(*client_ids))

    def reset_limits(self) -> "Failures":
        """Return what an operator's reset leaves: a stranger has one attempt, each client all."""
        in_a_row = min(self.in_a_row, FAILURES_BEFORE_FEWER_ATTEMPTS)
        return Failures(in_a_row, self.last_failed_at)

    def prune(self, now: datetime) -> "Failures":
        """Return the failures that count now: after the wait ninety of a hundred or more."""
        since, last = now - FAILURES_TTL, self.last_failed_at
        by_client = tuple([each for each in self.by_client if each.last_failed_at > since])
        if last is None or last <= since:
            return Failures(by_client=by_client)
        in_a_row, ends_at, by_token = self.in_a_row, self.wait_ends_at, self.by_token
        if ends_at is not None and ends_at <= now:
            less, in_a_row = in_a_row - FAILURES_AFTER_WAIT, FAILURES_AFTER_WAIT
            by_token = tuple(
                [replace(each, count=each.count - less) for each in by_token if each.count > less]
            )
        return Failures(in_a_row, last, by_client, by_token)

    def _count_of(self, client_id: str, now: datetime) -> int:
        since = now - FAILURES_TTL
        counted = [each for each in self.by_client if each.last_failed_at > since]
        return sum(each.count for each in counted if each.client_id == client_id)

    def _of_token(self, token_id: str) -> int:
        return sum(each.count for each in self.by_token if each.client_id == token_id)

    def _without_token(self, token_id: str) -> tuple[ClientFailures, ...]:
        return tuple([each for each in self.by_token if each.client_id != token_id])

    def _without(self, *client_ids: str) -> tuple[ClientFailures, ...]:
        return tuple([each for each in self.by_client if each.client_id not in client_ids])
