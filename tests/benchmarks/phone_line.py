"""Calls with forged caller ids to the phone line, and who is served meanwhile."""

from dataclasses import dataclass
from itertools import count
from typing import Final

from application.otp.log_in import LoggedIn
from domain.features.voice.call_limits import VERIFIED_PERCENT, CallLimits
from domain.features.voice.instructions import Dial, Reject
from domain.phone import PhoneNumber
from tests.benchmarks.attack_sizes import CALLBACKS
from tests.benchmarks.floods import DAYS_BEFORE, a_number
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.inbound_call import PHONE_LINE, InboundCall
from tests.support.voice.stored import stored_calls

CALLS_PER_NUMBER: Final = 10
CALLERS: Final = 25
"""Owners with an account."""
CONNECTED_CALLS: Final = CallLimits().line_operator_total.limit * VERIFIED_PERCENT // 100
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
        is_served = self.served_owners == CALLERS and self.connected_of_owners == CONNECTED_CALLS
        return [] if is_served else [f"{self.forged_numbers} forged callers: {self}"]


async def forge_calls(forged_numbers: int) -> CallResult:
    """Place ten calls with each forged number at once. All ask for the line operator."""
    app = AppHarness(policy=PHONE_LINE)
    owners = [a_phone(number) for number in range(CALLERS)]
    for owner in owners:
        await app.log_in(owner)
    numbers = count(CALLERS)
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


@dataclass(frozen=True, slots=True)
class ForgedCallers:
    """Numbers that ask to be called back with a code: new ones, and those of old accounts."""

    numbers: int
    ranges: int
    old_accounts: int = 0
    ranges_of_old_accounts: int = 1


_ALL, _OLD = CALLBACKS.strangers, CALLBACKS.reserve
CALLBACK_ATTACKS: Final = {
    ForgedCallers(49, 1): (True, True),
    ForgedCallers(_ALL.size - 1, _ALL.places): (True, True),
    ForgedCallers(_ALL.size, _ALL.places): (True, False),
    ForgedCallers(_ALL.size, _ALL.places, _OLD.size - 1, _OLD.places): (True, False),
    ForgedCallers(_ALL.size, _ALL.places, _OLD.size, _OLD.places): (False, False),
}
"""The smallest ones that reach something, and the same with one number less.

Whether an owner with an old account, and a new caller, are called back after them.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackResult:
    """How many forged numbers were called back, and who was after them."""

    callers: ForgedCallers
    called_back: int
    is_owner_served: bool
    is_new_caller_served: bool

    @property
    def violations(self) -> list[str]:
        """Describe what is not as the page says."""
        served = self.is_owner_served, self.is_new_caller_served
        return [] if served == CALLBACK_ATTACKS[self.callers] else [f"callbacks: {self}"]


async def forge_callbacks(callers: ForgedCallers) -> CallbackResult:
    """Ask for a callback from each forged number, then from a new caller's and an owner's."""
    app = AppHarness(policy=PHONE_LINE)
    owner, new_caller = a_number(0, first_range=999), a_number(0, first_range=998)
    forged = [a_number(number, "US", 200, callers.ranges) for number in range(callers.numbers)]
    old_accounts = [
        a_number(number, "US", 600, callers.ranges_of_old_accounts)
        for number in range(callers.old_accounts)
    ]
    for day, next_day in zip(DAYS_BEFORE, (*DAYS_BEFORE[1:], 0), strict=True):
        for number, phone in enumerate([owner, *old_accounts]):
            client_ip = f"10.1.{number}.1"
            await app.request_otp(phone, client_ip)
            assert isinstance(await app.verify_otp(app.last_code, phone, client_ip), LoggedIn)
        app.advance(days=day - next_day)
    called_back = [await app.request_callback(phone) for phone in (*forged, *old_accounts)]
    is_new_caller_served = await app.request_callback(new_caller)
    return CallbackResult(
        callers=callers,
        called_back=sum(called_back),
        is_owner_served=await app.request_callback(owner),
        is_new_caller_served=is_new_caller_served,
    )
