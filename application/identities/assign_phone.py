"""Assign a phone to an identity."""

from dataclasses import dataclass

from application.ports.phone_verifications import PhoneVerifications
from application.update import update_phone_verification
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class PhoneOwner:
    """The identity that a phone is assigned to, and whether the phone is blocked."""

    identity_id: str
    is_blocked: bool


async def assign_phone(
    verifications: PhoneVerifications,
    phone: PhoneNumber,
    new_id: str,
    deleted_id: str | None = None,
    challenge_id: str | None = None,
) -> PhoneOwner:
    """Return the owner of a phone. A phone without one is assigned to `new_id`.

    An identity with `deleted_id` counts as none. The identity with the returned id may not exist
    yet: the caller creates it under that id. The login of the challenge moves to the owner.

    Raises:
        StorageError
    """

    def assign(verification: PhoneVerification) -> tuple[PhoneVerification, PhoneOwner]:
        is_blocked = verification.blocked_at is not None
        owner_id = verification.identity_id
        if owner_id is None or owner_id == deleted_id:
            owner_id = new_id
        assigned = verification.assign_identity(owner_id)
        if challenge_id is not None:
            assigned = assigned.move_login(challenge_id, owner_id)
        return assigned, PhoneOwner(owner_id, is_blocked)

    return await update_phone_verification(verifications, phone, assign)
