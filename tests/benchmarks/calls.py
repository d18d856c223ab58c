"""Calls to the phone line with forged caller ids, and who is served meanwhile."""

from dataclasses import dataclass, replace
from itertools import count

from domain.features.voice.call_limits import VERIFIED_PERCENT
from domain.features.voice.instructions import Dial, Reject
from domain.phone import PhoneNumber
from tests.benchmarks.attack_sizes import CALL_LIMITS
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.inbound_call import PHONE_LINE, InboundCall
from tests.support.voice.stored import stored_calls

CALLS_PER_NUMBER = 10
OWNERS = 25
CONNECTED_CALLS = CALL_LIMITS.line_operator_total.limit * VERIFIED_PERCENT // 100
"""Calls to the line operator that verified numbers have for themselves in an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """What a flood of calls reached at once, and calls of owners and of a new caller after it.

    `served_owners` were answered, twice each, one after the other. `connected_of_owners` of these
    calls were connected.
    """

    forged_numbers: int
    answered: int
    connected: int
    served_owners: int
    connected_of_owners: int
    is_new_caller_answered: bool

    @property
    def violations(self) -> list[str]:
        """Describe who was rejected against the rules: owners with an account."""
        is_served = self.served_owners == OWNERS and self.connected_of_owners == CONNECTED_CALLS
        return [] if is_served else [f"{self.forged_numbers} forged callers: {self}"]


async def forge_calls(forged_numbers: int) -> CallResult:
    """Place ten calls with each forged number at once. All ask for the line operator."""
    app = AppHarness(policy=replace(PHONE_LINE))
    owners = [a_phone(number) for number in range(OWNERS)]
    for owner in owners:
        await app.log_in(owner)
    numbers = count(OWNERS)
    forged = [a_phone(next(numbers)) for _ in range(forged_numbers)]
    calls = [await _call(app, phone) for _ in range(CALLS_PER_NUMBER) for phone in forged]
    of_owners = []
    for owner in owners:
        of_owners.append([await _call(app, owner) for _ in range(2)])
        for call in of_owners[-1]:
            await call.hang_up()
    new_caller = await _call(app, a_phone(next(numbers)))
    return CallResult(
        forged_numbers=forged_numbers,
        answered=sum(map(_is_answered, calls)),
        connected=sum(map(_is_connected, calls)),
        served_owners=sum(all(map(_is_answered, calls)) for calls in of_owners),
        connected_of_owners=sum(_is_connected(call) for calls in of_owners for call in calls),
        is_new_caller_answered=_is_answered(new_caller),
    )


async def _call(app: AppHarness, phone: PhoneNumber) -> InboundCall:
    call = InboundCall(app, phone, f"CA{app.randomness.bytes(8).hex()}")
    await call.ring()
    if _is_answered(call):
        await call.press("1")
        if stored_calls(app.database)[call.id].value.position and not _is_connected(call):
            await call.stay_on_the_line()  # joining comes first
    return call


def _is_answered(call: InboundCall) -> bool:
    return call.instructions != (Reject(),)


def _is_connected(call: InboundCall) -> bool:
    return isinstance(call.instructions[-1], Dial)
