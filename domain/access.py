"""Who may act for whom, and who sees a full phone number."""

from enum import StrEnum

from domain.identities.identity import Identity


class LibraryVisibility(StrEnum):
    """Whose items members list and open. Administrators list and open the items of all users."""

    ALL = "all"
    OWNER = "owner"


def can_act_for(principal: Identity, owner_id: str) -> bool:
    """Return whether `principal` acts for itself, or as an administrator."""
    return principal.id == owner_id or principal.is_administrator


def visible_phone(viewer: Identity, identity: Identity) -> str | None:
    """Return what `viewer` sees of a phone number without an entry in the audit."""
    if identity.phone is None:
        return None
    return identity.phone.e164 if viewer.id == identity.id else identity.phone.masked
