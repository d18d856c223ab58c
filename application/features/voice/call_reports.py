"""What comes of a call: its effects, and what the provider reports."""

from dataclasses import dataclass, replace
from datetime import datetime

from application.features.voice.call_limiter import CallerRegistered, CallLimiter
from application.features.voice.ports import Calls
from application.identities.assign_phone import AssignPhone
from application.identities.events import UserDeleted
from application.otp.delivery_status import ReportDelivery, ReportedDelivery
from application.ports.identities import Identities
from application.ports.otp import PhoneVerifications
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock, Randomness
from application.update import change
from application.webhook_urls import PhoneLabels
from domain.errors import PhoneBlocked, Unauthenticated
from domain.features.voice.call import Call, CallStatus
from domain.features.voice.step import (
    ChooseLanguage,
    ClaimedCaller,
    Effect,
    Leave,
    Recorded,
    Register,
)
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.identity import Consent, Identity
from domain.otp.delivery import Channel, ReportedStatus
from domain.otp.phone_verification import CallLocale, PhoneVerification
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryOutEffect:
    """Carry out an effect of a call for the phone of the caller id.

    - A phone that is blocked gets the same results, except that it cannot join: an account would
      get messages.
    - A repetition does no harm.
    """

    phone_verifications: PhoneVerifications
    assign_phone: AssignPhone
    identities: Identities
    clock: Clock
    randomness: Randomness
    events: SecurityEvents

    async def __call__(self, effect: Effect, caller: ClaimedCaller) -> bool:
        phone, identity_id = caller.phone, caller.identity_id
        if phone is None:
            return False
        match effect:
            case Register():
                return await self._register(phone, effect)
            case Leave():
                return identity_id is None or await self._leave(phone, identity_id)
            case ChooseLanguage():
                await self._keep_locale(phone, effect.locale)
                return True

    async def _register(self, phone: PhoneNumber, effect: Register) -> bool:
        now = self.clock.now()
        consent = Consent(effect.consent, effect.language, now)
        new_id = make_identifier(now, self.randomness.bytes(RANDOM_BYTES))

        async def join(closed_id: str | None = None) -> Identity:
            owner_id, _ = await self.assign_phone(phone, new_id, closed_id, gets_messages=True)
            new = Identity(owner_id, phone, now, is_verified=False, consent=consent)

            def add(identity: Identity | None) -> tuple[Identity, Identity]:
                return identity or new, identity or new

            return await change(self.identities, new.id, add)

        try:
            identity = await join()
            if identity.is_closed:
                identity = await join(identity.id)
        except PhoneBlocked:
            return False
        if identity.consent == consent:
            self.events.record(CallerRegistered(phone=phone, user_id=identity.id))
        return not identity.is_closed

    async def _leave(self, phone: PhoneNumber, identity_id: str) -> bool:
        """Delete the identity by the write that finds it unverified."""
        now = self.clock.now()

        def leave(identity: Identity) -> tuple[Identity, Identity]:
            found = identity.require_open()
            left = found if found.is_verified else found.delete(now)
            return left, left

        try:
            identity = await change(self.identities, identity_id, leave, missing=Unauthenticated)
        except Unauthenticated:  # it has left before
            return True
        if identity.is_deleted:
            self.events.record(
                UserDeleted(phone=phone, user_id=identity_id, reason="unverified, by a call")
            )
        return identity.is_deleted

    async def _keep_locale(self, phone: PhoneNumber, tag: str) -> None:
        chosen = CallLocale(tag, self.clock.now())

        def choose(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            return replace(verification, call_locale=chosen), None

        await change(self.phone_verifications, phone, choose)


@dataclass(frozen=True, slots=True)
class CallReports:
    """Record what the provider reports of calls. Reports of unknown calls are ignored."""

    calls: Calls
    call_limiter: CallLimiter
    report_delivery: ReportDelivery
    clock: Clock
    provider: str

    async def record_status(
        self,
        call_id: str,
        status: CallStatus,
        *,
        provider_call_id: str,
        labels: PhoneLabels,
    ) -> None:
        """Record the status. It never goes backwards. Another call's is ignored.

        The report of a delivery that is a call follows: the code counts as delivered once it was
        read. The line of a call that ended is free again.
        """
        now = self.clock.now()

        def advance(
            call: Call | None,
        ) -> tuple[Call | None, tuple[Call, datetime | None] | None]:
            if call is None or not call.may_have_provider_call_id(provider_call_id):
                return call, None
            advanced = call.advance_status(status, now)
            ended_line = call.line_acquired_at if advanced.line_acquired_at is None else None
            return advanced, (advanced, ended_line)

        result = await change(self.calls, call_id, advance)
        if result is None:
            return
        call, ended_line = result
        await self.call_limiter.release_line(ended_line)
        if call.report_id is not None:
            delivery = ReportedDelivery(
                labels=labels,
                channel=Channel.VOICE,
                provider=self.provider,
                provider_message_id=call.provider_call_id or "",
            )
            await self.report_delivery(call.report_id, _to_reported(call), delivery)

    async def keep_recording(self, call_id: str, recorded: Recorded) -> None:
        """Keep the reference to a recording, once.

        The caller may hang up while recording: then nothing else reports it.
        """
        now = self.clock.now()
        await change(
            self.calls, call_id, lambda call: (call and call.keep_recording(recorded, now), None)
        )


def _to_reported(call: Call) -> ReportedStatus:
    match call.status:
        case CallStatus.QUEUED:
            return ReportedStatus.QUEUED
        case CallStatus.RINGING | CallStatus.IN_PROGRESS:
            return ReportedStatus.SENT
        case CallStatus.FAILED | CallStatus.CANCELED:
            return ReportedStatus.FAILED
        case CallStatus.COMPLETED | CallStatus.BUSY | CallStatus.NO_ANSWER:
            return ReportedStatus.DELIVERED if call.has_read_code else ReportedStatus.UNDELIVERED
