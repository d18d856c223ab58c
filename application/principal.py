"""The principal: who is calling, and what for."""

from dataclasses import dataclass

from domain.access import LibraryVisibility
from domain.errors import Forbidden, ReauthenticationRequired
from domain.identities.identity import Identity
from domain.identities.session import Session


@dataclass(frozen=True, slots=True)
class Principal:
    """The identity that is calling, as it is now, and the session of its access token.

    Without a recent login an administrator may do and see only what members may: a stolen token
    must not open everything for months. What cannot be undone needs a fresh login.
    """

    identity: Identity
    session: Session
    has_recent_login: bool
    has_fresh_login: bool = False

    @property
    def viewer(self) -> Identity:
        """The identity with the role that decides what it sees of others."""
        return self.identity if self.has_recent_login else self.identity.demote()

    def check_can_act_for(self, owner_id: str) -> None:
        """Check that the principal may act for the identity `owner_id`.

        Everybody may act for themselves, administrators for anybody.

        Raises:
            Forbidden
            ReauthenticationRequired: an administrator without a recent login acts for another.
        """
        if owner_id == self.identity.id:
            return
        if not self.identity.is_administrator:
            raise Forbidden
        if not self.has_recent_login:
            raise ReauthenticationRequired

    def check_can_view_items_of(self, owner_id: str, visibility: LibraryVisibility) -> None:
        """Check that the principal sees the items of this owner.

        Raises:
            Forbidden, ReauthenticationRequired
        """
        if visibility is not LibraryVisibility.ALL:
            self.check_can_act_for(owner_id)
