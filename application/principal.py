"""The principal: who sends a request, and what it may do."""

from dataclasses import dataclass, replace

from domain.access import LibraryVisibility
from domain.administration.scopes import SCOPES_OF_ROLES, Scope
from domain.errors import Forbidden, PasskeyRequired, ReauthenticationRequired
from domain.identities.identity import Identity
from domain.identities.role import Role, Staff
from domain.identities.session import AuthMethod, Session


@dataclass(frozen=True, slots=True)
class Principal:
    """The identity that sends a request, as it is now, and the session of its access token.

    Without a recent login staff may do and see only what members may: a stolen token must not open
    everything for months. What is final needs a fresh login.

    `needs_passkey` is whether the role counts in a session of the console only. The session of an
    app is by a code, or by a passkey that a code was enough to add.
    """

    identity: Identity
    session: Session
    has_recent_login: bool
    has_fresh_login: bool = False
    needs_passkey: bool = False

    @property
    def staff_role(self) -> Role:
        is_by_code = self._has_login_of_staff and not self.needs_passkey
        counts = self.session.is_console or is_by_code
        return self.identity.staff.role if counts else Role.MEMBER

    @property
    def _has_login_of_staff(self) -> bool:
        return self.has_recent_login and AuthMethod.PASSKEY not in self.session.amr

    @property
    def viewer(self) -> Identity:
        """The identity with the role that decides what it sees of others."""
        return replace(self.identity, staff=Staff(self.staff_role))

    def has_scope(self, scope: Scope) -> bool:
        return scope in SCOPES_OF_ROLES[self.staff_role]

    def check_staff(self) -> None:
        """Check that the principal has a role that counts now.

        Raises:
            Forbidden: It has none.
            PasskeyRequired
            ReauthenticationRequired: The login is too old, or by a passkey of the app.
        """
        if not self.identity.is_staff:
            raise Forbidden("Only staff may do this.")
        if self.session.is_console:
            return
        if self.needs_passkey:
            raise PasskeyRequired
        if not self._has_login_of_staff:
            raise ReauthenticationRequired

    def check_scope(self, scope: Scope) -> None:
        """Check that the role that counts now allows this.

        Raises:
            Forbidden: The role does not allow it, or there is none.
        """
        if scope not in SCOPES_OF_ROLES[self.identity.staff.role]:
            raise Forbidden
        self.check_staff()

    def check_can_act_for(self, owner_id: str, scope: Scope) -> None:
        """Check that the principal may act for the identity `owner_id`.

        Everybody may act for themselves, and staff for others with this scope.
        """
        if owner_id != self.identity.id:
            self.check_scope(scope)

    def check_rank(self, other: Identity) -> None:
        """Check that the principal may act on another identity, with the right to do so.

        Not if that is staff of the same or a higher role.

        Raises:
            Forbidden
        """
        is_own = other.id == self.identity.id
        if not is_own and other.is_staff and other.staff.role.rank >= self.staff_role.rank:
            raise Forbidden("This account has a role of the staff that is as high as yours.")

    def check_can_view_items_of(self, owner_id: str, visibility: LibraryVisibility) -> None:
        """Check that the principal sees the items of this owner."""
        if visibility is not LibraryVisibility.ALL:
            self.check_can_act_for(owner_id, Scope.READ_LIBRARY)
