"""What is shown of the passkeys of a user."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.use_cases import UseCases
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey


@dataclass(frozen=True, slots=True)
class PasskeyDetails:
    """The passkeys of somebody of the staff, in the order in which they were added."""

    passkeys: Sequence[Passkey]


def add_passkey_details(core: UseCases) -> None:
    """Let the core show passkeys, which are in the identity."""

    async def load(identity: Identity | None) -> PasskeyDetails | None:
        if identity is None or identity.is_closed or not identity.is_staff:
            return None
        return PasskeyDetails(identity.staff.passkeys)

    core.administration.details_parts.append(load)
