"""Answer the requests of an inbound call."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from application.features.voice.call_limiter import CallLimiter
from application.features.voice.call_reports import CarryOutEffect
from application.features.voice.ports import Calls
from application.ports.errors import PortError
from application.ports.identities import Identities
from application.ports.otp import PhoneVerifications
from application.ports.system import Clock
from application.ports.versioned import Versioned
from application.update import change
from domain.errors import DomainError, Unauthenticated
from domain.features.voice.call import Call, CallDirection, CallStatus, inbound_call_id
from domain.features.voice.call_texts import CallTexts
from domain.features.voice.instructions import (
    HangUp,
    Instruction,
    Position,
    Reject,
    StoredInstruction,
    resolve,
)
from domain.features.voice.menu import advance, apologize, finish_effect, start
from domain.features.voice.step import (
    CallEvent,
    ChooseLanguage,
    ClaimedCaller,
    Recorded,
    Register,
    Step,
)
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class FindCaller:
    """Find the identity of a caller id. Nothing proves that its owner is calling.

    A deleted or detached identity is not found, nor is one with another phone. A blocked phone
    makes no difference.
    """

    phone_verifications: PhoneVerifications
    identities: Identities

    async def __call__(self, phone: PhoneNumber | None) -> ClaimedCaller:
        if phone is None:
            return ClaimedCaller()
        verification = (await self.phone_verifications.load(phone)).value
        identity_id, locale = verification.identity_id, verification.call_locale
        tag = locale.tag if locale else None
        loaded = await self.identities.load(identity_id) if identity_id else None
        if loaded is None or loaded.value.is_closed or loaded.value.phone != phone:
            return ClaimedCaller(phone, locale=tag)
        return ClaimedCaller(phone, identity_id, loaded.value.is_verified, tag)

    async def mark_called(self, caller: ClaimedCaller, now: datetime) -> None:
        """Keep the caller's unverified identity for longer. Without calls, it is deleted."""
        if caller.identity_id and not caller.is_verified:
            with suppress(Unauthenticated):  # it was deleted in the meantime
                await change(
                    self.identities,
                    caller.identity_id,
                    lambda identity: (identity.require_open().mark_called(now), None),
                    missing=Unauthenticated,
                )


REJECTION_DELAYS: Final = (0.05, 0.2, 0.5)
"""Seconds to wait for a parallel request that got the last permit for the same call."""
EFFECT_DELAYS: Final = (0.05, 0.1, 0.2, *[0.5] * 24)
"""Seconds to wait for a parallel request that carries out an effect; Twilio waits for 15."""


@dataclass(frozen=True, slots=True)
class AnswerCallCommand:
    """A request of a call.

    Attributes:
        phone: the caller id of an inbound call, or the phone that an outbound call called, if it is
            a phone number.
        position: the position in the URL; None in the first request.
    """

    provider_call_id: str
    phone: PhoneNumber | None
    position: Position | None
    event: CallEvent
    called: PhoneNumber | None = None


@dataclass(frozen=True, slots=True)
class _Completion:
    """A call after an update, and what became of its line.

    Attributes:
        ended_line: when the line that the update ended was acquired, if any.
        is_line_used: whether the call has the line that was acquired for it.
    """

    call: Call
    ended_line: datetime | None = None
    is_line_used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCall:
    """Tell the provider what an inbound call does next.

    - A request is processed once. Every repetition gets the same response, also from another
      instance, and while the first one is still being processed.
    - The start of an effect is saved first, so that one request carries it out. If that request
      fails, another one carries the effect out again.
    - A caller id is a claim: an inbound call never reads a code, and never changes or reveals a
      verified identity.
    - After a call has ended, it has no more effects. What happened before is still recorded.
    - The line operator sees the caller's number, or without one the number that was called, or else
      `caller_id`: providers reject a call from an invalid number.
    """

    calls: Calls
    find_caller: FindCaller
    carry_out: CarryOutEffect
    call_limiter: CallLimiter
    clock: Clock
    texts: CallTexts
    line_operator: PhoneNumber | None = None
    caller_id: str = ""

    async def __call__(self, command: AnswerCallCommand) -> tuple[Instruction, ...]:
        call_id = inbound_call_id(command.provider_call_id)
        loaded = await self.calls.load(call_id)
        if loaded is not None or command.position is not None:
            instructions = await self._continue(call_id, command, loaded)
        elif begun := await self._begin(call_id, command):
            instructions = begun
        else:
            return (Reject(),)
        shown = command.phone or command.called
        return resolve(
            instructions,
            line_operator=self.line_operator.e164 if self.line_operator else "",
            caller_id=shown.e164 if shown else self.caller_id,
        )

    def apologize(self, phone: PhoneNumber | None) -> tuple[Instruction, ...]:
        return resolve(apologize(self.texts, ClaimedCaller(phone)).instructions)

    async def _begin(
        self, call_id: str, command: AnswerCallCommand
    ) -> tuple[StoredInstruction, ...] | None:
        """Return the first response, or None if the call is over the limits."""
        caller = await self.find_caller(command.phone)
        acquired_at = await self.call_limiter.acquire_call(caller)
        if acquired_at is None:
            found = await self._find_parallel_response(call_id)
            if found is None:
                await self.call_limiter.report_rejection(caller)
            return found
        now = self.clock.now()
        step, line_acquired_at = await self.call_limiter.acquire_line(
            start(self.texts, caller), caller
        )
        call = Call(
            id=call_id,
            direction=CallDirection.INBOUND,
            started_at=now,
            provider_call_id=command.provider_call_id,
            status=CallStatus.IN_PROGRESS,
            identity_id=caller.identity_id,
            locale=caller.locale,
        ).complete(None, step, now=now, line_acquired_at=line_acquired_at)
        if await self.calls.add(call):
            await self.find_caller.mark_called(caller, now)
            return step.instructions
        await self.call_limiter.release_call(caller, acquired_at)
        await self.call_limiter.cancel_line(caller, line_acquired_at)
        return await self._continue(call_id, command, await self.calls.load(call_id))

    async def _find_parallel_response(self, call_id: str) -> tuple[StoredInstruction, ...] | None:
        """Return the first response if a parallel request got the last permit for the call."""
        for delay in REJECTION_DELAYS:
            await asyncio.sleep(delay)
            loaded = await self.calls.load(call_id)
            if turn := loaded and loaded.value.find_turn(None):
                return turn.instructions
        return None

    async def _continue(
        self, call_id: str, command: AnswerCallCommand, loaded: Versioned[Call] | None
    ) -> tuple[StoredInstruction, ...]:
        """Return the response at the position of the request, which may have been answered before.

        While another request carries out the effect there, wait for its response.
        """
        for delay in EFFECT_DELAYS:
            if loaded is None:
                break
            call, position = loaded.value, command.position
            if turn := call.find_turn(position):
                return turn.instructions
            if position is None or position != call.position:
                break
            if call.is_effect_pending(self.clock.now()):
                await asyncio.sleep(delay)
            elif (answer := await self._answer(command, position, loaded)) is not None:
                return answer
            loaded = await self.calls.load(call_id)
        return apologize(self.texts, ClaimedCaller(command.phone)).instructions

    async def _answer(
        self, command: AnswerCallCommand, position: Position, loaded: Versioned[Call]
    ) -> tuple[StoredInstruction, ...] | None:
        """Return the response at this position; None if a parallel request began its effect."""
        call, now = loaded.value, self.clock.now()
        caller = replace(await self.find_caller(command.phone), locale=call.locale)
        step = advance(self.texts, position, caller, command.event, now - call.started_at)
        if call.status.is_final and (step.effect or step.dials):
            return (HangUp(),)
        if step.effect is None:
            return await self._complete(call.id, command, caller, step, loaded)
        begun = replace(call, effect_started_at=now)
        if not await self.calls.replace(begun, loaded.version):
            return None
        return await self._complete_effect(call.id, command, caller, step)

    async def _complete_effect(
        self, call_id: str, command: AnswerCallCommand, caller: ClaimedCaller, step: Step
    ) -> tuple[StoredInstruction, ...]:
        """Carry out the effect of a step, and store the response for all repetitions.

        If it fails, they get the apology too.
        """
        position, effect, joined_id = step.position, step.effect, None
        if position is None or effect is None:
            return step.instructions
        try:
            is_done = await self.carry_out(effect, caller)
            if isinstance(effect, Register):
                joined_id = (await self.find_caller(caller.phone)).identity_id
        except (DomainError, PortError):
            with suppress(PortError):
                apology = replace(apologize(self.texts, caller), path=step.path)
                await self._complete(call_id, command, caller, apology)
            raise
        if isinstance(effect, ChooseLanguage):
            caller = replace(caller, locale=effect.locale)
        after = finish_effect(self.texts, position, caller, is_done=is_done)
        after = replace(after, path=(*step.path, *after.path))
        return await self._complete(call_id, command, caller, after, joined_id=joined_id)

    async def _complete(
        self,
        call_id: str,
        command: AnswerCallCommand,
        caller: ClaimedCaller,
        step: Step,
        loaded: Versioned[Call] | None = None,
        joined_id: str | None = None,
    ) -> tuple[StoredInstruction, ...]:
        """Store the response, or return that of a parallel request."""
        position, now = command.position, self.clock.now()
        step, line_acquired_at = await self.call_limiter.acquire_line(step, caller)

        def complete(call: Call | None) -> tuple[Call | None, _Completion | None]:
            if call is None:
                return None, None
            if isinstance(command.event, Recorded):
                call = call.keep_recording(command.event, now)
            completed = call.complete(
                position,
                step,
                now=now,
                line_acquired_at=line_acquired_at,
                locale=caller.locale,
                identity_id=joined_id,
            )
            if completed is call:  # a parallel request has answered
                return call, _Completion(call)
            return completed, _Completion(
                completed,
                ended_line=call.line_acquired_at,
                is_line_used=completed.line_acquired_at is not None,
            )

        completion = await change(self.calls, call_id, complete, loaded=loaded)
        if completion is None or not completion.is_line_used:
            await self.call_limiter.cancel_line(caller, line_acquired_at)
        if completion is None:  # the record of the call was deleted
            return step.instructions
        await self.call_limiter.release_line(completion.ended_line)
        turn = completion.call.find_turn(position)
        return turn.instructions if turn else step.instructions
