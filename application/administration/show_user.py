"""Show all that helps to help a user."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from application.administration.find_user import FindUser, FoundUser, UserQuery
from application.administration.operator import Operator
from application.administration.view_phone import ViewPhone
from application.otp.phone_limits import DescribeVerification
from application.ports.otp import DeliveryStatus
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from domain.administration.scopes import Scope
from domain.identities.device_token import RecognizedDevice
from domain.identities.identity import Identity
from domain.identities.session import Session, TokenRepeat
from domain.otp.delivery import Delivery, DeliveryReport, ReportedStatus
from domain.otp.phone_limits import VerificationState
from domain.phone import PhoneNumber

T = TypeVar("T")


class LoadDetails(Protocol):
    """Loads what a feature shows of a user."""

    async def __call__(self, identity: Identity | None) -> object | None:
        """Return what the feature shows, None if there is nothing.

        Args:
            identity: The user, who may be deleted; None for a phone without an account.

        Raises:
            StorageError
            CorruptRecord
        """
        ...


class AddedDetails:
    """What features show of a user, by its type."""

    def __init__(self, details: Mapping[type, object]) -> None:
        self._details = details

    def find(self, kind: type[T]) -> T | None:
        details = self._details.get(kind)
        return details if isinstance(details, kind) else None


@dataclass(frozen=True, slots=True)
class ShownDelivery:
    """A delivery, and what became of it.

    Attributes:
        status: `rejected` by every provider, `unknown` or `accepted` until the provider reports
            more, or what it reported.
        error: The provider's code, or why it was rejected or its result is unknown; may be empty.
    """

    delivery: Delivery
    status: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDetails:
    """What is known about a user, or about a phone without an account.

    Attributes:
        phone_hash: What the log of today in UTC calls the phone; None without one.
        phone_hash_of_yesterday: The same of the log of yesterday: a complaint comes after midnight.
        sessions: The active ones, the last used first.
        token_repeats: The refresh tokens of the last 30 days that came twice, from two networks,
            the latest first.
        deliveries: From the last day, the newest first.
    """

    user: FoundUser
    number: str | None
    phone_hash: str | None
    phone_hash_of_yesterday: str | None
    sessions: Sequence[Session]
    token_repeats: Sequence[TokenRepeat]
    devices: Sequence[RecognizedDevice]
    verification: VerificationState | None
    deliveries: Sequence[ShownDelivery]
    added: AddedDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowUser:
    """Show a user. A deleted identity shows only that it was deleted."""

    find_user: FindUser
    view_phone: ViewPhone
    describe_verification: DescribeVerification
    delivery_reports: ExpiringRecords[DeliveryReport]
    load_added: Sequence[LoadDetails]
    clock: Clock

    async def __call__(
        self,
        operator: Operator,
        query: UserQuery,
        reason: str = "",
        *,
        with_full_number: bool = True,
        is_shown: bool = True,
    ) -> UserDetails:
        operator.check_scope(Scope.READ_USERS)
        user = await self.find_user(query)
        if isinstance(query, PhoneNumber):
            await self.view_phone.record_search(operator, user.subject, reason)
        return await self.describe(
            operator, user, reason, with_full_number=with_full_number, is_shown=is_shown
        )

    async def describe(
        self,
        operator: Operator,
        user: FoundUser,
        reason: str = "",
        *,
        with_full_number: bool,
        is_shown: bool = True,
    ) -> UserDetails:
        operator.check_scope(Scope.READ_USERS)
        identity, now = user.identity, self.clock.now()
        number = user.phone.masked if user.phone else None
        # A stolen token must not tell whose SIM card is worth an attack.
        is_hidden = not operator.may_act_on(user)
        if user.phone is not None and with_full_number and not is_hidden:
            number = await self.view_phone(
                operator, user.phone, user.subject, reason, is_shown=is_shown
            )
        verification, added = await asyncio.gather(
            self._describe_verification(user), self._load_added(identity)
        )
        deliveries = verification.deliveries if verification else ()
        shown = await asyncio.gather(*map(self._show_delivery, deliveries))
        sessions = identity.active_sessions(now) if identity else ()
        devices = identity.devices if identity and not identity.is_deleted else ()
        return UserDetails(
            user=user,
            number=number,
            phone_hash=self._hash_phone(user, now),
            phone_hash_of_yesterday=self._hash_phone(user, now - timedelta(days=1)),
            sessions=sorted(sessions, key=lambda session: session.last_seen_at, reverse=True),
            token_repeats=identity.current_token_repeats(now)[::-1] if identity else (),
            devices=[device for device in devices if now < device.expires_at],
            verification=verification,
            deliveries=shown,
            added=added,
        )

    def _hash_phone(self, user: FoundUser, time: datetime) -> str | None:
        if user.phone is None:
            return None
        return self.find_user.keyed_hashes.hash_phone_of_day(user.phone, time.date())

    async def _describe_verification(self, user: FoundUser) -> VerificationState | None:
        if user.phone is None:
            return None
        state = await self.describe_verification(user.phone)
        identity = user.identity
        if state.blocked_since is None and identity is not None and identity.is_blocked:
            # A block was interrupted between its two writes.
            return replace(state, blocked_since=identity.blocked_at)
        return state

    async def _load_added(self, identity: Identity | None) -> AddedDetails:
        loaded = await asyncio.gather(*(load(identity) for load in self.load_added))
        return AddedDetails({type(details): details for details in loaded if details is not None})

    async def _show_delivery(self, delivery: Delivery) -> ShownDelivery:
        if delivery.is_rejected:
            return ShownDelivery(delivery, "rejected", delivery.rejection)
        loaded = await self.delivery_reports.load(delivery.report_id)
        report = loaded.value if loaded else None
        if report is None or report.status is ReportedStatus.QUEUED:
            if (reason := delivery.unknown_reason) is not None:
                return ShownDelivery(delivery, DeliveryStatus.UNKNOWN.value, reason)
            return ShownDelivery(delivery, DeliveryStatus.ACCEPTED.value, "")
        error, reason = report.error_code or "", report.reason
        return ShownDelivery(
            delivery,
            report.status.value,
            f"{error} ({reason})" if error and reason else error or reason,
        )
