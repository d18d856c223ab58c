"""The ports of one-time codes: verifications, rate limits, messages and their templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from application.ports.versioned import Versioned
from domain.otp.challenge import OtpCode
from domain.otp.message_preferences import MessagePreferences
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import Permit, RateLimit, Reservation
from domain.phone import PhoneNumber


class PhoneVerifications(Protocol):
    """The verification of each phone, found by the phone."""

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        """Load the verification. A phone without one has an empty one with version 0.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        """Replace the verification if it still has this version, and return whether it had.

        - After True it is durable.
        - Version 0 adds it if there is none.
        - A version is never used again, even after the record was deleted and added anew.

        Raises:
            StorageError
        """
        ...

    async def prune(self, now: datetime, limit: int) -> int:
        """Prune up to `limit` verifications whose `client_ips_expire_at` passed.

        A verification that is replaced meanwhile is left to the next call.

        Returns:
            The number of pruned verifications.

        Raises:
            StorageError
            CorruptRecord
        """
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` verifications whose `expires_at` passed, and return their number.

        Raises:
            StorageError
        """
        ...


class RateLimiter(Protocol):
    """Permits of sliding windows, shared by all instances on one database.

    - No window ever has more permits than its limit, however many requests race, while all clocks
      agree to within `CLOCK_SKEW`.
    - A permit counts for the period of its window, and up to one sixtieth of it longer. One of a
      listed limit counts exactly for the period.
    - Where one limit alone binds, exactly as many permits are acquired as it has.
    - Of a divided limit the first part is used that has a permit of each of its limits.
    - A permit that was acquired more than `CLOCK_SKEW` after the current time does not count.
    - After a limit was lowered, one more permit may pass. A clock that is ahead may delay others.
    """

    async def acquire(self, reservation: Reservation) -> datetime | None:
        """Acquire a permit of each limit and of a part of each divided one, or none.

        Returns:
            None where they are acquired, durably. Otherwise the time when each limit has a permit
            again, if nobody else acquires one until then.

        Raises:
            StorageError: some permits may be acquired.
        """
        ...

    async def acquire_each(self, *reservations: Reservation) -> Sequence[datetime | None]:
        """Acquire several reservations at the same time, each as `acquire` does.

        They have different ids and no limit in common, so a rejected one does not affect the
        others.

        Raises:
            StorageError: some permits may be acquired.
        """
        ...

    async def release(self, reservation: Reservation) -> None:
        """Release the permits of these limits that the reservation with this id acquired.

        It can be released once. Permits that do not exist are skipped, and those of listed limits
        stay.

        Raises:
            StorageError
        """
        ...

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when each limit has a permit: the time of the reservation, or later.

        Raises:
            StorageError
        """
        ...

    async def list_permits(self, limit: RateLimit, now: datetime) -> Sequence[Permit]:
        """Return the permits of a listed limit that count in the window now, the latest last.

        Raises:
            StorageError
        """
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired counters, and up to `limit` expired reservations.

        Returns:
            The larger of both numbers. At 0 nothing is left.

        Raises:
            StorageError
        """
        ...


class DeliveryStatus(StrEnum):
    """What a provider did with a message or call.

    - `ACCEPTED`: the provider took it.
    - `NOT_CONNECTED`: there was no connection to the provider, so nothing was sent.
    - `REJECTED`: the provider said, by an error of its own, that it did not send it.
    - `UNKNOWN`: everything else. It may have been sent, so it counts as sent.
    - `INVALID_NUMBER`: the provider said that nobody can reach the number.

    Another provider may be tried only after `NOT_CONNECTED` and `REJECTED`.
    """

    ACCEPTED = "accepted"
    NOT_CONNECTED = "not_connected"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    INVALID_NUMBER = "invalid_number"


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The status of a message or call and, unless it was accepted, a reason.

    - Clients may see the reason: it contains no phone number and no secret.
    - The reason of `INVALID_NUMBER` says what the person can do.
    - A call that was accepted has the provider's id.
    """

    status: DeliveryStatus
    reason: str = ""
    provider_call_id: str = ""


class Messenger(Protocol):
    """Sends text messages to phones."""

    async def send(self, phone: PhoneNumber, text: str, status_url: str = "") -> DeliveryResult:
        """Send the message in bounded time; a failure is a result, not an exception.

        Args:
            phone: The recipient.
            text: The message.
            status_url: Where the provider posts what became of the message, if it can. It may do
                so before this method returns. If it is empty, it posts nothing.
        """
        ...


class SmsTemplates(Protocol):
    """Renders the message that carries a code."""

    def render(
        self, code: OtpCode, *, lifetime: timedelta, country: str, preferences: MessagePreferences
    ) -> str:
        """Render the message for a phone number of `country`.

        - The country's template wins over the requested language, and that over the default.
        - The message has the code, and follows the rules in `docs/sms-templates.md`.
        - There is a message for all preferences; unknown ones are not an error.

        Args:
            code: The code to send.
            lifetime: For how long the code is still valid.
            country: The ISO 3166-1 code of the phone number's country.
            preferences: What the client asked for.
        """
        ...
