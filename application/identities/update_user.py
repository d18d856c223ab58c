"""Somebody as operators name them: by id, or by phone."""

from collections.abc import Callable

from application.ports.identities import Identities
from application.ports.phone_verifications import PhoneVerifications
from application.update import update_identity
from domain.errors import Unauthenticated, UserNotFound
from domain.identities.identity import Identity
from domain.phone import PhoneNumber


async def update_user(
    identities: Identities,
    phone_verifications: PhoneVerifications,
    user: str | PhoneNumber,
    change: Callable[[Identity], Identity],
) -> Identity:
    """Save what `change` makes of the living identity that is meant, and give it.

    Raises:
        UserNotFound: there is none of this id, or the phone is nobody's.
        StorageUnavailable
    """
    identity_id: str | None
    if isinstance(user, PhoneNumber):
        identity_id = (await phone_verifications.load(user)).value.identity_id
    else:
        identity_id = user
    if identity_id is None:
        raise UserNotFound
    try:
        return await update_identity(identities, identity_id, change)
    except Unauthenticated as error:
        raise UserNotFound from error
