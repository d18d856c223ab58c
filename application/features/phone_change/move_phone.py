"""Give an identity another phone, because an operator says so."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from application.features.phone_change.begin import BeginPhoneChange
from application.features.phone_change.complete import CompletePhoneChange
from application.ports.errors import ConcurrencyConflict
from application.ports.identities import Identities
from application.ports.system import Clock
from domain.errors import ConflictingValue, CountryNotServed, Unauthenticated, UserNotFound
from domain.identities.identity import Identity
from domain.identities.phone_change import UNDO_PERIOD, PhoneChange
from domain.phone import PhoneNumber

HAS_NUMBER: Final = "The account has this number already."


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePhone:
    """Give an identity another phone without codes, for those who lost the former number.

    - All sessions end: the owner signs in with the new number.
    - An administrator becomes a member.
    - It is possible also while the owner cannot change the phone.
    """

    identities: Identities
    begin: BeginPhoneChange
    complete: CompletePhoneChange
    clock: Clock
    countries: Collection[str] | None

    async def __call__(
        self, identity_id: str, phone: PhoneNumber, *, can_be_undone: bool
    ) -> Identity:
        """Change the phone, and return the identity with the new one.

        Args:
            identity_id: The identity.
            phone: The new number.
            can_be_undone: Whether the former number may undo it for seven days.

        Raises:
            UserNotFound
            ConflictingValue: The number is the present one, or has a fixed code.
            CountryNotServed: The number would get no codes.
            PhoneInUse
            ConcurrencyConflict: Another change was faster.
            StorageError
        """
        loaded = await self.identities.load(identity_id)
        if loaded is None or loaded.value.is_closed or loaded.value.phone is None:
            raise UserNotFound
        if loaded.value.phone == phone:
            raise ConflictingValue(HAS_NUMBER)
        if self.countries is not None and phone.country not in self.countries:
            raise CountryNotServed
        now = self.clock.now()
        change = PhoneChange(
            new_phone=phone,
            old_phone=loaded.value.phone,
            started_at=now,
            attempted_at=now,
            undo_until=now + UNDO_PERIOD if can_be_undone else None,
            is_by_operator=True,
        )
        try:
            await self.begin(identity_id, change)
            changed = await self.complete(identity_id)
        except Unauthenticated as error:
            raise UserNotFound from error
        if changed is None:
            raise UserNotFound
        if changed.phone != phone:
            raise ConcurrencyConflict("another change of the phone was faster")
        return changed
