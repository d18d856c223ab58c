"""Load, decide, compare and swap: how two requests that meet at one record are kept apart."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Protocol, TypeVar

from application.ports.errors import StorageUnavailable
from application.ports.identities import Identities
from application.ports.phone_verifications import PhoneVerifications
from application.ports.versioned import Versioned
from domain.errors import Unauthenticated
from domain.identities.identity import Identity
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

MAX_RETRIES: Final = 100
"""After so many lost swaps something is wrong; 500 racing requests need a handful."""


class AroundSwap(Protocol[T_contra]):
    """Does what belongs before or beside a swap, and the swap: each time one is tried."""

    async def __call__(self, outcome: T_contra, swap: Callable[[], Awaitable[bool]], /) -> bool:
        """Give what the swap gives; what this raises goes through."""
        ...


async def alone(_: object, swap: Callable[[], Awaitable[bool]]) -> bool:
    """Nothing but the swap."""
    return await swap()


async def update_phone_verification(
    records: PhoneVerifications,
    phone: PhoneNumber,
    decide: Callable[[PhoneVerification], tuple[PhoneVerification, T]],
    around: AroundSwap[T] = alone,
    loaded: Versioned[PhoneVerification] | None = None,
) -> T:
    """Save what `decide` makes of the phone's record and give its outcome.

    `decide` is called again with the newer record when another request was quicker; when it
    gives the record back as it was, nothing is written. What it raises goes through. `loaded` is
    the record where that was loaded already.

    Raises:
        StorageUnavailable: also when the swap was lost too often.
    """
    for _ in range(MAX_RETRIES):
        loaded = loaded or await records.load(phone)
        record, outcome = decide(loaded.value)
        if record is loaded.value:
            return outcome
        swap = partial(records.replace, phone, record, loaded.version)
        if await around(outcome, swap):
            return outcome
        loaded = None
    raise StorageUnavailable("too many requests at one phone record")


async def update_identity(
    identities: Identities, identity_id: str, change: Callable[[Identity], Identity]
) -> Identity:
    """Save what `change` makes of a living identity and give it; what it raises goes through.

    Raises:
        Unauthenticated: there is no such identity, or no longer.
        UniqueViolation
        StorageUnavailable: also when the swap was lost too often.
    """
    for _ in range(MAX_RETRIES):
        loaded = await identities.load(identity_id)
        if loaded is None or loaded.value.is_deleted:
            raise Unauthenticated
        changed = change(loaded.value)
        if changed == loaded.value or await identities.replace(changed, loaded.version):
            return changed
    raise StorageUnavailable("too many requests at one identity")
