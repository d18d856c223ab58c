"""Request a one-time code."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from application.limits.delivery_limiter import DeliveryLimiter, NoPermits
from application.otp.deliver_code import TAKEN, DeliverCode
from application.otp.events import (
    WITHIN_COOLDOWN,
    FixedOtpUsed,
    OtpRequested,
    ProviderPaused,
)
from application.otp.extensions import CodeDelivery, OtpExtensions
from application.otp.provider_pause import PAUSED
from application.otp.recent_rejections import RecentRejections
from application.otp.recognize_device import recognize_device
from application.otp_codes import CHALLENGE_BYTES, OtpCodes
from application.ports.errors import StorageError
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import DeliveryStatus, PhoneVerifications
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock, Randomness
from application.ports.versioned import Versioned
from application.update import NOTHING_WRITTEN, change
from domain.errors import (
    CountryNotServed,
    DeliveryFailed,
    DomainError,
    InvalidValue,
    PhoneUnreachable,
    TooManyOtpRequests,
)
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.device_token import DeviceToken
from domain.otp.attestation_proof import AttestationProof
from domain.otp.challenge import Purpose
from domain.otp.delivery import Channel, DeviceProof
from domain.otp.delivery_policy import DeliveryDecision
from domain.otp.message_preferences import MessagePreferences
from domain.otp.otp_request import OtpRequest
from domain.otp.permits import Part, Permits
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rejection import (
    BLOCKED_NETWORK,
    COUNTRY_NOT_SERVED,
    NUMBER_IS_BLOCKED,
    NUMBER_NOT_SERVED,
    PHONE_IS_BLOCKED,
    PROOF_REQUIRED,
    PROVIDER_PAUSED,
    Rejection,
)
from domain.otp.sliding_window import whole_seconds
from domain.otp.test_otps import TEST_OTP_POLICY
from domain.phone import PhoneNumber, PhoneRules

REQUEST_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class RequestOtpCommand:
    """A request for a code from `client_ip`: an IPv4 address, or the /64 of an IPv6 address.

    Attributes:
        phone: Where the code goes.
        client_ip: Where the request comes from.
        channel: How the client wants the code; None if it named no channel.
        preferences: What the client asked for.
        device_token: The token of an earlier login, if the client sent one.
        purpose: What the code is for.
        identity_id: Set if the code is for a change of this identity's phone.
        accepts_attestation: Whether the client can make a proof.
        proof: The proof that it sent, if it did.
    """

    phone: PhoneNumber
    client_ip: str
    channel: Channel | None = None
    preferences: MessagePreferences = field(default_factory=MessagePreferences)
    device_token: DeviceToken | None = None
    purpose: Purpose = Purpose.SIGN_IN
    identity_id: str | None = None
    accepts_attestation: bool = False
    proof: AttestationProof | None = None


@dataclass(frozen=True, slots=True)
class RequestOtpResult:
    """What the client may know. `sent` is False within the cooldown. Times are whole seconds.

    `request_id` is new in every result, and also names the report of the delivery.
    """

    request_id: str
    sent: bool
    expires_in: int
    resend_in: int


@dataclass(frozen=True, slots=True)
class RequestOtp:
    """Deliver a code to a phone, by a message or a call.

    The steps are:

    1. What does not depend on what is stored is decided (`OtpRequest`). A code to sign in goes by
       the channels of the country (`ChannelOrder`); any other code goes by SMS, unless a call is
       asked for. A test phone has no cooldown, and nothing is sent to it.
    2. The number is checked. One whose prefix or country operators block is one of a country that
       is not served.
    3. The record of the phone is loaded, and what the device token names. A phone that is blocked
       and has no account is one of a country that is not served; one of an account gets codes.
    4. The delivery is reserved, and recorded before the message is sent, so no race sends one too
       many. A rejected request writes nothing; that it was rejected is recorded later
       (`RecentRejections`).

       - Within the cooldown of the phone nothing is sent; the request gets an id of its own for the
         message that was already sent for the same purpose, whoever requested that.
       - In a blocked network, and while no provider is called, because their latest results were
         unknown, nothing is used up.
       - The limits of the phone decide then, and those that phones share. A call has the same code,
         limits and cooldown as a message, and one limit more. For changes of its phone an identity
         gets at most ten codes a day.
       - Where the limits of strangers are used up, or strangers need a proof, a client that can
         make one is asked for it.
    5. The code is delivered (`DeliverCode`). A message with an unknown result counts. One that
       nobody took starts the plain cooldown, and counts in windows shorter than a day.
    """

    phone_verifications: PhoneVerifications
    delivery_limiter: DeliveryLimiter
    codes: OtpCodes
    deliver_code: DeliverCode
    identities: Identities
    rejections: RecentRejections
    extensions: OtpExtensions
    keyed_hashes: KeyedHashes
    clock: Clock
    randomness: Randomness
    events: SecurityEvents
    countries: Collection[str] | None
    phone_rules: PhoneRules

    async def __call__(self, command: RequestOtpCommand) -> RequestOtpResult:
        """Request a code.

        Raises:
            CountryNotServed
            TooManyOtpRequests
            AttestationRequired
            PhoneUnreachable
            DeliveryFailed
            Unavailable
            StorageError
        """
        asked = self._make_request(command)
        self._check_phone(command, asked)
        loaded, device = await self._load(command, asked.now)
        if loaded.value.gets_no_messages and not asked.is_test:
            reason = "the phone is blocked, and has no account"
            self._record_not_served(command, asked, PHONE_IS_BLOCKED, reason, has_record=True)
            raise CountryNotServed
        request = replace(asked, device=device) if device is not None else asked
        try:
            decision = await self._reserve_delivery(command, request, loaded)
        except DomainError as error:
            self._record_rejection(command, request, loaded, error)
            raise
        reason = "" if decision.is_new else WITHIN_COOLDOWN
        self.events.record(
            OtpRequested(phone=command.phone, reason=reason, channel=request.channel)
        )
        await self._deliver(command, request, decision)
        now = self.clock.now()
        return RequestOtpResult(
            request_id=decision.public_request_id,
            sent=decision.is_new,
            expires_in=whole_seconds(now, decision.challenge.expires_at),
            resend_in=whole_seconds(now, decision.next_request_at),
        )

    def _make_request(self, command: RequestOtpCommand) -> OtpRequest:
        """Decide what does not depend on the stored record."""
        phone, now = command.phone, self.clock.now()
        random = self.randomness.bytes(REQUEST_ID_BYTES + CHALLENGE_BYTES + RANDOM_BYTES)
        channels = self.deliver_code.plan_channels(phone, command.purpose, command.channel)
        is_test = self.codes.is_test_phone(phone, now)
        has_calls = self.extensions.code_calls is not None
        is_call = channels[0] is Channel.VOICE and has_calls and not is_test
        return OtpRequest(
            client_ip=self.keyed_hashes.hash_client_ip(command.client_ip),
            now=now,
            new_challenge=self.codes.make_challenge(
                now, random[REQUEST_ID_BYTES:-RANDOM_BYTES], command.purpose, command.identity_id
            ),
            key_ids=self.codes.key_ids(),
            new_request_id=random[:REQUEST_ID_BYTES].hex(),
            new_call_id=make_identifier(now, random[-RANDOM_BYTES:]) if is_call else None,
            channels=channels,
            providers=() if is_test else self.deliver_code.providers(channels[0]),
            policy=TEST_OTP_POLICY if is_test else self.delivery_limiter.delivery_policy,
            is_test=is_test,
        )

    def _check_phone(self, command: RequestOtpCommand, request: OtpRequest) -> None:
        """Check country and kind of a phone. With a test OTP it may have any."""
        phone = command.phone
        if request.is_test:
            return
        if self.countries is not None and phone.country not in self.countries:
            reason = "the country is not served"
            self._record_not_served(command, request, COUNTRY_NOT_SERVED, reason)
            raise CountryNotServed
        block = self.delivery_limiter.find_number_block(phone, request.now)
        if block is not None:
            # A client cannot tell it from a country that is not served.
            self._record_not_served(command, request, block.name, NUMBER_IS_BLOCKED)
            raise CountryNotServed
        try:
            self.phone_rules.check(phone)
        except InvalidValue as error:
            reason = "the kind of the number"
            self._record_not_served(command, request, NUMBER_NOT_SERVED, reason)
            raise PhoneUnreachable(error.message) from None

    def _record_not_served(
        self,
        command: RequestOtpCommand,
        request: OtpRequest,
        limit: str,
        reason: str,
        *,
        has_record: bool | None = None,
    ) -> None:
        rejection = Rejection(
            at=request.now,
            channel=request.channel,
            limit=limit,
            has_proof=command.proof is not None,
        )
        self.rejections.record(command.phone, rejection, reason, has_record=has_record)

    async def _load(
        self, command: RequestOtpCommand, now: datetime
    ) -> tuple[Versioned[PhoneVerification], DeviceProof | None]:
        """Load the record of the phone, and the device of the client if it sent a token."""
        token, loading = command.device_token, self.phone_verifications.load(command.phone)
        if token is None:
            return await loading, None
        recognizing = recognize_device(
            self.identities, self.extensions, token, command.purpose, now
        )
        loaded, (device, _) = await asyncio.gather(loading, recognizing)
        return loaded, device

    async def _reserve_delivery(
        self,
        command: RequestOtpCommand,
        request: OtpRequest,
        loaded: Versioned[PhoneVerification],
    ) -> DeliveryDecision:
        """Record the delivery with its permits, or refer to an earlier delivery.

        The permits are acquired between the decision and the write: a request that the phone's
        limits reject costs no permit, and an IP without a permit cannot start a phone's cooldown.

        Raises:
            TooManyOtpRequests: with the later time of the phone's limits and the shared ones.
            AttestationRequired
            DeliveryFailed: no provider is called now.
            StorageError
        """
        phone, verification, limiter = command.phone, loaded.value, self.delivery_limiter
        recognition, now = verification.recognize(request).recognition, request.now
        try:
            joined = await self._join_delivery(phone, request, loaded)
            if joined is not None:
                return joined
            self._check_network(command, request)
            self._check_providers(request)
            permits = await limiter.acquire(phone, request, recognition)
            if isinstance(permits, NoPermits):
                # A parallel request that got the last permits may have been for this phone.
                joined = await self._join_delivery(phone, request)
                if joined is not None:
                    return joined
                attest = self.extensions.attest_delivery
                if attest is not None and command.accepts_attestation:
                    permits = await attest(phone, request, command.proof, recognition, permits)
            if isinstance(permits, Permits):
                return await self._record_delivery(phone, request, loaded, permits)
        except TooManyOtpRequests as error:
            available_at = await self._next_available(command, request, verification)
            retry_after = max(error.retry_after, whole_seconds(now, available_at))
            raise TooManyOtpRequests(retry_after, error.limit, error.part) from None
        name = await limiter.name_limit(permits, now)
        raise TooManyOtpRequests(whole_seconds(now, permits.until), *name)

    async def _join_delivery(
        self,
        phone: PhoneNumber,
        request: OtpRequest,
        loaded: Versioned[PhoneVerification] | None = None,
    ) -> DeliveryDecision | None:
        """Record the id of a request that refers to an earlier delivery; None if it needs one."""

        def join(
            current: PhoneVerification,
        ) -> tuple[PhoneVerification, DeliveryDecision | None]:
            return current.join_delivery(request) or (current, None)

        return await change(self.phone_verifications, phone, join, loaded=loaded)

    def _check_network(self, command: RequestOtpCommand, request: OtpRequest) -> None:
        """Reject the request of a client in a blocked network."""
        until = self._blocked_until(command, request)
        if until is not None:
            raise TooManyOtpRequests(whole_seconds(request.now, until), BLOCKED_NETWORK)

    def _blocked_until(self, command: RequestOtpCommand, request: OtpRequest) -> datetime | None:
        """Return when the block of the client's network ends. None stops a code of a test phone."""
        if request.is_test:
            return None
        return self.delivery_limiter.find_network_block(command.client_ip, request.now)

    def _check_providers(self, request: OtpRequest) -> None:
        """Reject the request while no provider is called, before it uses up anything."""
        pause = None if request.is_test else self.deliver_code.find_pause(request.channels)
        if pause is not None:
            seconds = whole_seconds(request.now, pause.until)
            raise DeliveryFailed(PAUSED.reason, seconds, pause.name, pause.reason)

    async def _record_delivery(
        self,
        phone: PhoneNumber,
        request: OtpRequest,
        loaded: Versioned[PhoneVerification],
        permits: Permits,
    ) -> DeliveryDecision:
        """Record the delivery with its permits, or refer to one that a parallel request caused.

        Permits are released if it is certain that the record does not have them.
        """
        permitted, rejections = replace(request, permits=permits), self.rejections.of(phone)

        def record(current: PhoneVerification) -> tuple[PhoneVerification, DeliveryDecision]:
            successor, decision = current.request_delivery(permitted)
            return successor.keep_rejections(rejections, request.now), decision

        try:
            decision = await change(self.phone_verifications, phone, record, loaded=loaded)
        except NOTHING_WRITTEN:
            await self.delivery_limiter.release(phone, request, permits)
            raise
        if not decision.is_new:
            await self.delivery_limiter.release(phone, request, permits)
        return decision

    async def _next_available(
        self, command: RequestOtpCommand, request: OtpRequest, verification: PhoneVerification
    ) -> datetime:
        """Return when there are permits for this client, with a proof if it can make one."""
        limiter, recognition = self.delivery_limiter, verification.recognize(request).recognition
        times = [await limiter.next_available(command.phone, request, recognition)]
        if self.extensions.attest_delivery is not None and command.accepts_attestation:
            permitted_at, checked_at = await asyncio.gather(
                limiter.next_available(command.phone, request, recognition, has_proof=True),
                limiter.next_check_of_proof(request.client_ip, request.now),
            )
            times.append(max(permitted_at, checked_at))
        return max(min(times), self._blocked_until(command, request) or request.now)

    async def _deliver(
        self, command: RequestOtpCommand, request: OtpRequest, decision: DeliveryDecision
    ) -> None:
        """Deliver the code, if the request caused a delivery."""
        phone, delivery, challenge = command.phone, decision.delivery, decision.challenge
        if request.is_test:
            self.events.record(FixedOtpUsed(phone=phone, reason="requested"))
        if request.is_test or not decision.is_new:
            return
        code = CodeDelivery(
            phone=phone,
            preferences=command.preferences,
            delivery=delivery,
            challenge=challenge,
            identity_id=decision.identity_id,
            last_provider=decision.last_provider,
        )
        delivered = await self.deliver_code(code, request.channels)
        result = delivered.result
        if result.status in TAKEN:
            return
        if result.status is DeliveryStatus.INVALID_NUMBER:
            raise PhoneUnreachable(result.reason)
        now, next_request_at = self.clock.now(), decision.next_request_at
        if (rejected := delivered.rejected) is not None:
            with suppress(StorageError):
                again = replace(request, now=now)
                available_at = await self._next_available(command, again, rejected)
                wait = rejected.find_wait(again, request.policy)
                next_request_at = max(wait.until, available_at)
        raise DeliveryFailed(result.reason, whole_seconds(now, next_request_at))

    def _record_rejection(
        self,
        command: RequestOtpCommand,
        request: OtpRequest,
        loaded: Versioned[PhoneVerification],
        error: DomainError,
    ) -> None:
        """Record why no provider is called. A request for a proof has an event of its own."""
        phone, has_record, until = command.phone, loaded.version != 0, None
        match error:
            case TooManyOtpRequests():
                limit, part = error.limit, error.part
                until = request.now + timedelta(seconds=error.retry_after)
            case DeliveryFailed():
                limit, part = PROVIDER_PAUSED, ""
                until = request.now + timedelta(seconds=error.retry_after)
            case _:
                limit, part = PROOF_REQUIRED, Part.STRANGERS
        rejection = Rejection(
            at=request.now,
            channel=request.channel,
            limit=limit,
            part=part,
            until=until,
            recognition=loaded.value.recognize(request).recognition,
            has_proof=command.proof is not None,
            provider=error.provider if isinstance(error, DeliveryFailed) else "",
            cause=error.cause if isinstance(error, DeliveryFailed) else "",
        )
        if isinstance(error, TooManyOtpRequests):
            self.rejections.record(phone, rejection, "too many requests", has_record=has_record)
            return
        if isinstance(error, DeliveryFailed):
            self.events.record(
                ProviderPaused(
                    phone=phone,
                    channel=rejection.channel,
                    provider=rejection.provider,
                    result=PAUSED.status,
                    error_code=PAUSED.error_code,
                    reason=rejection.cause,
                    until=rejection.until,
                    recognition=rejection.recognition,
                    has_proof=rejection.has_proof,
                )
            )
        self.rejections.add(phone, rejection, has_record=has_record)
