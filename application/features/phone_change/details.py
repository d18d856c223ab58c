"""What is shown of the change of a user's phone."""

from dataclasses import dataclass

from application.use_cases import UseCases
from domain.identities.identity import Identity
from domain.identities.phone_change import PhoneChange


@dataclass(frozen=True, slots=True)
class PhoneChangeDetails:
    """The change of a user's phone that is under way; None without one."""

    change: PhoneChange | None


def add_phone_change_details(core: UseCases) -> None:
    """Let the core show changes of phones, which are in the identity."""

    async def load(identity: Identity | None) -> PhoneChangeDetails | None:
        if identity is None or identity.is_deleted:
            return None
        return PhoneChangeDetails(identity.phone_change)

    core.administration.details_parts.append(load)
