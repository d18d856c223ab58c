"""The principal: who is calling, and what for."""

from dataclasses import dataclass

from domain.access import LibraryVisibility
from domain.errors import Forbidden, PasskeyRequired, ReauthenticationRequired
from domain.identities.identity import Identity
from domain.identities.session import Session


@dataclass(frozen=True, slots=True)
class Principal:
    """The identity that is calling, as it is now, and the session of its access token.

    Without a recent login an administrator may do and see only what members may: a stolen token
    must not open everything for months. What cannot be undone needs a fresh login.

    Attributes:
        needs_passkey: Whether it may do and see only what members may, however recent the login:
            staff that needs a passkey has its rights in the web console only, since sessions of
            apps are opened by codes.
    """

    identity: Identity
    session: Session
    has_recent_login: bool
    has_fresh_login: bool = False
    needs_passkey: bool = False

    @property
    def viewer(self) -> Identity:
        """The identity with the role that decides what it sees of others."""
        has_role = self.has_recent_login and not self.needs_passkey
        return self.identity if has_role else self.identity.demote()

    def check_login(self) -> None:
        """Check that the login of an administrator is good enough for the role.

        Raises:
            PasskeyRequired: No login by code is.
            ReauthenticationRequired: It is too old.
        """
        if self.needs_passkey:
            raise PasskeyRequired
        if not self.has_recent_login:
            raise ReauthenticationRequired

    def check_can_act_for(self, owner_id: str) -> None:
        """Check that the principal may act for the identity `owner_id`.

        Everybody may act for themselves, administrators for anybody.

        Raises:
            Forbidden
            PasskeyRequired, ReauthenticationRequired: an administrator acts for another, see
                `check_login`.
        """
        if owner_id == self.identity.id:
            return
        if not self.identity.is_administrator:
            raise Forbidden
        self.check_login()

    def check_can_view_items_of(self, owner_id: str, visibility: LibraryVisibility) -> None:
        """Check that the principal sees the items of this owner.

        Raises:
            Forbidden, PasskeyRequired, ReauthenticationRequired
        """
        if visibility is not LibraryVisibility.ALL:
            self.check_can_act_for(owner_id)
