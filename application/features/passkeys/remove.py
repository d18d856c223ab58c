"""Remove passkeys: by their owner, or by an operator for somebody who lost one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from application.administration.act_for_users import ActForUsers
from application.administration.find_user import UserQuery
from application.administration.operator import Operator
from application.features.console.authenticate import ConsoleUser
from application.features.passkeys import acts
from application.features.passkeys.events import PasskeyRemoved
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.update import change
from domain.errors import FreshLoginRequired, PasskeyRequired, Unauthenticated, UserNotFound
from domain.features.passkeys.errors import LastPasskey, PasskeyNotFound
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePasskeys:
    """Remove passkeys. The console sessions that they opened end at the next request."""

    identities: Identities
    act: ActForUsers
    clock: Clock
    events: SecurityEvents
    are_required: bool

    async def own(self, user: ConsoleUser, passkey_id: str) -> Passkey:
        """Remove one's own passkey, in a session that a passkey opened within 15 minutes.

        Raises:
            PasskeyRequired: A code opened the session.
            FreshLoginRequired
            PasskeyNotFound
            LastPasskey: All staff needs one.
        """
        if user.session.passkey_id is None:
            raise PasskeyRequired
        if not user.session.is_fresh(self.clock.now()):
            raise FreshLoginRequired

        def remove(identity: Identity) -> tuple[Identity, tuple[Identity, Passkey]]:
            passkey = identity.staff.find_passkey(passkey_id)
            if passkey is None:
                raise PasskeyNotFound
            if self.are_required and len(identity.staff.passkeys) == 1:
                raise LastPasskey
            staff = identity.staff.remove_passkeys(passkey.id)
            return replace(identity, staff=staff), (identity, passkey)

        identity, passkey = await change(
            self.identities, user.session.identity_id, remove, missing=Unauthenticated
        )
        self._record(identity, [passkey], "by the owner")
        return passkey

    async def of_user(
        self, operator: Operator, query: UserQuery, named: str | None, reason: str
    ) -> Sequence[Passkey]:
        """Remove a passkey of somebody by its name or id; None for all.

        Raises:
            Forbidden, TooShort, UserNotFound, AuditFailed, StorageError: See `ActForUsers`.
        """

        def remove(identity: Identity) -> tuple[Identity, tuple[Identity, Sequence[Passkey]]]:
            removed = _find(identity, named)
            staff = identity.staff.remove_passkeys(*[each.id for each in removed])
            changed = replace(identity, staff=staff)
            return changed.end_console_sessions(), (identity, removed)

        user = await self.act.find(operator, acts.REMOVE, query, reason)
        found = user.require_identity()
        _find(found, named)
        async with self.act.record_act(operator.actor, acts.REMOVE.action, found.id, reason):
            identity, removed = await change(
                self.identities, found.id, remove, missing=UserNotFound
            )
        self._record(identity, removed, "by an operator")
        return removed

    def _record(self, identity: Identity, removed: Sequence[Passkey], reason: str) -> None:
        for passkey in removed:
            self.events.record(
                PasskeyRemoved(
                    phone=identity.phone, user_id=identity.id, passkey_id=passkey.id, reason=reason
                )
            )


def _find(identity: Identity, named: str | None) -> Sequence[Passkey]:
    """Return the passkeys of a name or id, or all; raises PasskeyNotFound if there is none."""
    found = [
        each for each in identity.staff.passkeys if named is None or named in (each.id, each.name)
    ]
    if not found:
        raise PasskeyNotFound
    return found
