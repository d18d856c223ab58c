"""Request a one-time code."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from application.code_derivation import CHALLENGE_BYTES, CodeDerivation
from application.limits.delivery_limiter import DeliveryLimiter, LimitReached, RequestPermits
from application.otp.additions import CodeDelivery, OtpAdditions
from application.otp.deliver_code import MAYBE_SENT, DeliverCode
from application.otp.events import WITHIN_COOLDOWN, FixedCodeUsed, OtpRequested
from application.otp.recent_rejections import RecentRejections
from application.otp.recognize_device import recognize_device
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
from domain.otp.challenge import Purpose
from domain.otp.delivery import Channel, ValidDeviceToken
from domain.otp.delivery_policy import (
    BLOCKED_NETWORK,
    COUNTRY_NOT_SERVED,
    DeliveryDecision,
    Rejection,
)
from domain.otp.messages import MessagePreferences
from domain.otp.otp_request import OtpRequest, Proof
from domain.otp.permits import Permits
from domain.otp.phone_limits import RequestStanding, find_standing
from domain.otp.phone_verification import SERVICE_TOKEN, STRANGER, PhoneVerification
from domain.otp.sliding_window import whole_seconds
from domain.phone import PhoneNumber, PhoneRules

REQUEST_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class RequestOtpCommand:
    """A request for a code from `client_ip`: an IPv4 address, or the /64 of an IPv6 address.

    Attributes:
        phone: Its kind gets codes, unless it is the present number of an identity.
        channel: How the client wants the code; None if it named no channel.
        device_token: The token of an earlier login, if the client sent one.
        known_device: A device of the phone's identity, if the caller knows it; without a token.
        bound_to: The identity whose phone the code is to change, or the service token that asks.
        session_id: The session that requests it for that change.
        can_send_proof: Whether the client can make a proof.
    """

    phone: PhoneNumber
    client_ip: str
    channel: Channel | None = None
    preferences: MessagePreferences = field(default_factory=MessagePreferences)
    device_token: DeviceToken | None = None
    known_device: ValidDeviceToken | None = None
    purpose: Purpose = Purpose.SIGN_IN
    bound_to: str | None = None
    session_id: str | None = None
    can_send_proof: bool = False
    proof: Proof | None = None

    @property
    def token_id(self) -> str | None:
        """The service token that asks; None for a client of the app."""
        return self.bound_to if self.purpose is Purpose.VERIFICATION else None


@dataclass(frozen=True, slots=True)
class RequestOtpResult:
    """What the client may know. `sent` is False within the cooldown. Times are whole seconds.

    `request_id` is new in every result, and also names the report of the delivery.
    """

    request_id: str
    sent: bool
    expires_in: int
    resend_in: int


@dataclass(slots=True)
class _CodeRequest:
    """A request while it is decided on, perhaps again after another one came in between."""

    command: RequestOtpCommand
    request: OtpRequest
    loaded: Versioned[PhoneVerification]
    standing: RequestStanding
    permits: RequestPermits

    def standing_on(self, verification: PhoneVerification) -> RequestStanding:
        """Return the check on what is known about the phone, made once for each state."""
        if verification is not self.standing.loaded:
            self.standing = find_standing(verification, self.request)
        return self.standing


@dataclass(frozen=True, slots=True)
class RequestOtp:
    """Deliver a code to a phone, by a message or a call.

    The steps are:

    1. Country, and blocks of the number, which have the same answer. The parser checks the kind of
       a number.
    2. The record of the phone is loaded, and what the device token names. A blocked phone without
       an account is treated as an unserved country; one with an account gets codes.
    3. Within the cooldown the request joins: nothing is sent, and it gets an id of its own for the
       message that was sent for the same purpose.
    4. Clients in blocked networks are rejected, and all clients while every provider pauses after
       unknown results.
    5. The limits of the phone decide, and after a hundred failures strangers wait. Then those that
       phones share decide. A client that can make a proof is asked for one where those of strangers
       are used up, or strangers need it.
    6. The delivery is recorded with its permits before the message is sent, so no race sends one
       too many. A request that a parallel one overtook joins, and releases its permits.
    7. The code is delivered (`DeliverCode`). A message with an unknown result counts. A rejected
       one starts the plain cooldown, and releases permits.

    For a phone with a fixed code only its own limits and the IP's count, and nothing is sent. A
    rejected request writes nothing; that it was rejected is recorded later (`RecentRejections`).
    """

    phone_verifications: PhoneVerifications
    delivery_limiter: DeliveryLimiter
    codes: CodeDerivation
    deliver_code: DeliverCode
    identities: Identities
    rejections: RecentRejections
    additions: OtpAdditions
    keyed_hashes: KeyedHashes
    clock: Clock
    randomness: Randomness
    events: SecurityEvents
    countries: Collection[str] | None
    phone_rules: PhoneRules

    async def __call__(self, command: RequestOtpCommand) -> RequestOtpResult:
        request = self._make_request(command)
        code_request = None
        try:
            self._check_phone(command, request)
            code_request = await self._load(command, request)
            decision = await self._decide(code_request)
        except DomainError as error:
            self._record_rejection(command, request, error, code_request)
            raise
        reason = "" if decision.is_new else WITHIN_COOLDOWN
        self.events.record(
            OtpRequested(
                phone=command.phone,
                reason=reason,
                channel=request.channel,
                actor_id=command.token_id,
            )
        )
        await self._deliver(code_request, decision)
        now = self.clock.now()
        return RequestOtpResult(
            request_id=decision.public_request_id,
            sent=decision.is_new,
            expires_in=whole_seconds(now, decision.challenge.expires_at),
            resend_in=whole_seconds(now, decision.next_request_at),
        )

    def _make_request(self, command: RequestOtpCommand) -> OtpRequest:
        phone, now = command.phone, self.clock.now()
        random = self.randomness.bytes(REQUEST_ID_BYTES + CHALLENGE_BYTES + RANDOM_BYTES)
        channels = self.deliver_code.plan_channels(phone, command.purpose, command.channel)
        has_fixed_code = self.codes.has_fixed_code(phone, now)
        is_voice = channels[0] is Channel.VOICE and not has_fixed_code
        is_call = is_voice and Channel.VOICE in self.additions.code_channels
        client_ip = self.keyed_hashes.hash_client_ip(command.client_ip)
        if command.purpose is Purpose.VERIFICATION:
            client_ip = client_ip.named_by_token()
        return OtpRequest(
            client_ip=client_ip,
            now=now,
            new_challenge=self.codes.make_challenge(
                now, random[REQUEST_ID_BYTES:-RANDOM_BYTES], command.purpose, command.bound_to
            ),
            key_ids=self.codes.key_ids(),
            new_request_id=random[:REQUEST_ID_BYTES].hex(),
            new_call_id=make_identifier(now, random[-RANDOM_BYTES:]) if is_call else None,
            channels=channels,
            providers=() if has_fixed_code else self.deliver_code.providers(channels[0]),
            policy=self.delivery_limiter.policy(has_fixed_code=has_fixed_code),
            has_fixed_code=has_fixed_code,
            device=command.known_device,
            rejection_error=(
                None if has_fixed_code else self._find_rejection(command.client_ip, channels, now)
            ),
        )

    def _check_phone(self, command: RequestOtpCommand, request: OtpRequest) -> None:
        phone = command.phone
        if request.has_fixed_code:
            return
        if self.countries is not None and phone.country not in self.countries:
            raise CountryNotServed(COUNTRY_NOT_SERVED)
        block = self.delivery_limiter.additions.find_number_block(phone, request.now)
        if block is not None:
            raise CountryNotServed(block.name)
        if command.purpose is Purpose.CHANGE_PHONE:
            # The present number of an identity may be older than the rules.
            try:
                self.phone_rules.check(phone)
            except InvalidValue as error:
                raise PhoneUnreachable(error.message) from None

    async def _load(self, command: RequestOtpCommand, request: OtpRequest) -> _CodeRequest:
        phone, token, now = command.phone, command.device_token, request.now
        loading = self.phone_verifications.load(phone)
        if token is None:
            loaded = await loading
        else:
            recognizing = recognize_device(self.identities, token, now)
            loaded, (device, _) = await asyncio.gather(loading, recognizing)
            request = replace(request, device=device)
        standing = find_standing(loaded.value, request)
        permits = self.delivery_limiter.permits_of(
            phone,
            request.client_ip,
            standing.client.recognition,
            now,
            has_fixed_code=request.has_fixed_code,
            is_call=request.new_call_id is not None,
            bound_to=request.bound_to,
            session_id=command.session_id,
        )
        return _CodeRequest(command, request, loaded, standing, permits)

    async def _decide(self, code_request: _CodeRequest) -> DeliveryDecision:
        """Record the delivery with its permits, or refer to an earlier delivery.

        The permits are acquired between the decision and the write: a request that the phone's
        limits reject costs no permit, and an IP without a permit cannot start a phone's cooldown.

        Raises:
            TooManyOtpRequests: with the later time of the phone's limits and the shared ones.
        """
        command, request = code_request.command, code_request.request
        try:
            if (joined := await self._join(code_request, code_request.loaded)) is not None:
                return joined
            permits = await code_request.permits.acquire()
            if isinstance(permits, LimitReached):
                # A parallel request that got the last permits may have been for this phone.
                if (joined := await self._join(code_request)) is not None:
                    return joined
                acquire_for_proof = self.additions.acquire_for_proof
                if acquire_for_proof is not None and command.can_send_proof:
                    permits = await acquire_for_proof(
                        command.phone, request, command.proof, code_request.permits, permits
                    )
            if isinstance(permits, Permits):
                return await self._add_delivery(code_request, permits)
        except TooManyOtpRequests as error:
            available_at = await self._next_available(code_request, request.now)
            retry_after = max(error.retry_after, whole_seconds(request.now, available_at))
            raise TooManyOtpRequests(retry_after, error.limit, error.clients) from None
        name = await self.delivery_limiter.name_limit(permits, request.now)
        raise TooManyOtpRequests(whole_seconds(request.now, permits.until), *name)

    async def _join(
        self, code_request: _CodeRequest, loaded: Versioned[PhoneVerification] | None = None
    ) -> DeliveryDecision | None:
        def join(
            current: PhoneVerification,
        ) -> tuple[PhoneVerification, DeliveryDecision | None]:
            return code_request.standing_on(current).join() or (current, None)

        return await change(
            self.phone_verifications, code_request.command.phone, join, loaded=loaded
        )

    def _find_rejection(
        self, client_ip: str, channels: Sequence[Channel], now: datetime
    ) -> TooManyOtpRequests | DeliveryFailed | None:
        until = self.delivery_limiter.additions.find_network_block(client_ip, now)
        if until is not None:
            return TooManyOtpRequests(whole_seconds(now, until), BLOCKED_NETWORK)
        pause = self.deliver_code.find_pause(channels)
        if pause is None:
            return None
        return DeliveryFailed(whole_seconds(now, pause.until), pause.name, pause.reason)

    async def _add_delivery(self, code_request: _CodeRequest, permits: Permits) -> DeliveryDecision:
        """Record the delivery with its permits, or refer to one that a parallel request caused.

        Permits are released if it is certain that the record does not have them.
        """
        phone = code_request.command.phone
        rejections = self.rejections.of(phone)

        def add(current: PhoneVerification) -> tuple[PhoneVerification, DeliveryDecision]:
            successor, decision = code_request.standing_on(current).add_delivery(permits)
            return successor.keep_rejections(rejections), decision

        try:
            decision = await change(
                self.phone_verifications, phone, add, loaded=code_request.loaded
            )
        except NOTHING_WRITTEN:
            await code_request.permits.release(permits)
            raise
        if not decision.is_new:
            await code_request.permits.release(permits)
        return decision

    async def _next_available(self, code_request: _CodeRequest, now: datetime) -> datetime:
        """Return when there are permits for this client, with a proof if it can make one."""
        command, request, permits = code_request.command, code_request.request, code_request.permits
        times = [await permits.next_available(now)]
        if self.additions.acquire_for_proof is not None and command.can_send_proof:
            permitted_at, checked_at = await asyncio.gather(
                permits.next_available(now, has_proof=True),
                self.delivery_limiter.next_check_of_proof(request.client_ip, now),
            )
            times.append(max(permitted_at, checked_at))
        return min(times)

    async def _deliver(self, code_request: _CodeRequest, decision: DeliveryDecision) -> None:
        command, request, phone = (
            code_request.command,
            code_request.request,
            code_request.command.phone,
        )
        if request.has_fixed_code:
            self.events.record(
                FixedCodeUsed(phone=phone, reason="requested", actor_id=command.token_id)
            )
        if request.has_fixed_code or not decision.is_new:
            return
        code = CodeDelivery(
            phone=phone,
            preferences=command.preferences,
            delivery=decision.delivery,
            challenge=decision.challenge,
            identity_id=decision.identity_id,
            last_provider=decision.last_provider,
            session_id=command.session_id,
        )
        delivered = await self.deliver_code(code, request.channels)
        result = delivered.result
        if result.status in MAYBE_SENT:
            return
        if result.status is DeliveryStatus.INVALID_NUMBER:
            raise PhoneUnreachable(result.reason)
        now, next_request_at = self.clock.now(), decision.next_request_at
        if (rejected := delivered.rejected) is not None:
            with suppress(StorageError):
                standing = find_standing(rejected, replace(request, now=now))
                next_request_at = max(
                    standing.wait.until, await self._next_available(code_request, now)
                )
        raise DeliveryFailed(whole_seconds(now, next_request_at))

    def _record_rejection(
        self,
        command: RequestOtpCommand,
        request: OtpRequest,
        error: DomainError,
        code_request: _CodeRequest | None,
    ) -> None:
        """Record why no provider is called. What is known of the client depends on the record."""
        unknown = SERVICE_TOKEN if command.token_id else STRANGER
        client = code_request.standing.client if code_request else unknown
        rejection = Rejection(
            at=request.now,
            channel=request.channel,
            limit="",
            recognition=client.recognition,
            has_proof=command.proof is not None,
        )
        has_record = code_request.loaded.version != 0 if code_request else None
        self.rejections.record(
            command.phone, error, rejection, has_record=has_record, token_id=command.token_id
        )
