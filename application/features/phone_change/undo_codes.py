"""The codes in messages to former numbers, with the keys that they were made with."""

from dataclasses import dataclass
from datetime import datetime

from application.ports.keys import KeyRing
from domain.identities.identity import Identity
from domain.identities.phone_change import UNDO_PERIOD
from domain.otp.undo_code import UndoCode, derive_undo_code
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class UndoCodes:
    """Derives undo codes with the peppers of one-time codes. None is stored."""

    peppers: KeyRing

    def derive(self, identity_id: str, phone: PhoneNumber, undo_until: datetime) -> UndoCode:
        """Derive the code of a change, with the key of the time when the change was made.

        So it is the same in each attempt to send the message, also after a rotation of the keys.
        """
        made_at = undo_until - UNDO_PERIOD
        keys = self.peppers.accepted()
        current = next((pepper for pepper in keys if pepper.not_before <= made_at), keys[-1])
        return derive_undo_code(current.key, identity_id, phone, undo_until)

    def is_code_of(
        self, code: UndoCode, identity_id: str, phone: PhoneNumber, undo_until: datetime
    ) -> bool:
        """Return whether it is the code of a change, with any accepted key.

        It takes the same time for each code.
        """
        are_equal = [
            derive_undo_code(pepper.key, identity_id, phone, undo_until).is_equal(code)
            for pepper in self.peppers.accepted()
        ]
        return any(are_equal)

    def used_id(self, code: UndoCode, phone: PhoneNumber, *, by_disown: bool = False) -> str:
        """Derive what an identity keeps of a code that was used, or that a disown made void."""
        return code.used_id(self.peppers.signing().key, phone, by_disown=by_disown)

    def find_used(
        self, identity: Identity, code: UndoCode, phone: PhoneNumber, *, by_disown: bool = False
    ) -> str | None:
        """Return what an identity has kept of a code, with any accepted key; None for nothing.

        It takes the same time for each code.
        """
        ids = [
            code.used_id(pepper.key, phone, by_disown=by_disown)
            for pepper in self.peppers.accepted()
        ]
        return next((each for each in ids if identity.has_used(each)), None)
