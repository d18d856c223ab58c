"""Assign a phone to an identity."""

from dataclasses import dataclass

from application.ports.otp import PhoneVerifications
from application.update import change
from domain.errors import PhoneBlocked
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class AssignPhone:
    """Assign a phone to an identity, unless it has one."""

    phone_verifications: PhoneVerifications

    async def __call__(
        self,
        phone: PhoneNumber,
        new_id: str,
        deleted_id: str | None = None,
        challenge_id: str | None = None,
        *,
        gets_messages: bool = False,
    ) -> tuple[str, bool]:
        """Return the owner of a phone, and whether the phone is blocked.

        A phone without an owner is assigned to `new_id`; `deleted_id` does not count as an owner.
        The identity with the returned id may not exist yet: the caller creates it under that id.
        The login of the challenge moves to the owner.

        Raises:
            PhoneBlocked: With `gets_messages`, if the phone gets none: it is blocked and unowned.
        """

        def assign(
            verification: PhoneVerification,
        ) -> tuple[PhoneVerification, tuple[str, bool]]:
            owner_id = verification.identity_id
            if gets_messages and verification.gets_no_messages:
                raise PhoneBlocked
            if owner_id is None or owner_id == deleted_id:
                owner_id = new_id
                verification = verification.change_owner(new_id, by_login=challenge_id is not None)
            if challenge_id is not None:
                verification = verification.move_login(challenge_id, owner_id)
            return verification, (owner_id, verification.is_blocked)

        return await change(self.phone_verifications, phone, assign)
