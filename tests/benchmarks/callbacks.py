"""Calls with a code that forged callers ask for, and who is called back meanwhile."""

from dataclasses import dataclass
from typing import Final

from application.otp.log_in import LoggedIn
from tests.benchmarks.attack_sizes import CALLBACKS
from tests.benchmarks.floods import DAYS_BEFORE, a_number
from tests.support.app_harness import AppHarness
from tests.support.inbound_call import PHONE_LINE

OWNERS_RANGE: Final = 999
NEW_CALLERS_RANGE: Final = 998
FIRST_RANGE_OF_OLD_ACCOUNTS: Final = 600


@dataclass(frozen=True, slots=True)
class ForgedCallers:
    """Numbers that attackers forge, and who can be called back after them.

    `old_accounts` of them are those of established identities. The others are new.
    """

    numbers: int
    ranges: int
    old_accounts: int = 0
    ranges_of_old_accounts: int = 1
    is_owner_served: bool = True
    is_new_caller_served: bool = True


_ALL, _OLD = CALLBACKS.strangers, CALLBACKS.reserve
CALLBACK_ATTACKS: Final = (
    ForgedCallers(49, 1),
    ForgedCallers(_ALL.size - 1, _ALL.places),
    ForgedCallers(_ALL.size, _ALL.places, is_new_caller_served=False),
    ForgedCallers(_ALL.size, _ALL.places, _OLD.size - 1, _OLD.places, is_new_caller_served=False),
    ForgedCallers(
        _ALL.size,
        _ALL.places,
        _OLD.size,
        _OLD.places,
        is_owner_served=False,
        is_new_caller_served=False,
    ),
)
"""The smallest ones that reach something, and the same with one number less."""


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
        expected = (self.callers.is_owner_served, self.callers.is_new_caller_served)
        is_true = (self.is_owner_served, self.is_new_caller_served) == expected
        return [] if is_true else [f"callbacks: {self}"]


async def forge_callbacks(callers: ForgedCallers) -> CallbackResult:
    """Ask for a callback from each forged number, then from a new caller's and an owner's."""
    app = AppHarness(policy=PHONE_LINE)
    owner, new_caller = a_number(0, "US", OWNERS_RANGE, 1), a_number(0, "US", NEW_CALLERS_RANGE, 1)
    forged = [a_number(number, "US", 200, callers.ranges) for number in range(callers.numbers)]
    old_accounts = [
        a_number(number, "US", FIRST_RANGE_OF_OLD_ACCOUNTS, callers.ranges_of_old_accounts)
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
