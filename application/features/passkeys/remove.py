"""Remove passkeys: one's own, and those of somebody who lost them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from application.administration.act_for_users import ActForUsers
from application.administration.acts import Act
from application.administration.find_user import UserQuery
from application.administration.operator import Operator
from application.features.passkeys.events import PasskeyRemoved
from application.otp.send_notice import SendNotice
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvents
from application.update import change
from domain.administration.audit import AuditAction
from domain.errors import UserNotFound
from domain.features.passkeys import PasskeyNotFound
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey
from domain.identities.phone_change import PhoneNotice

REMOVE: Final = Act(
    name="passkey-remove",
    action=AuditAction.REMOVE_PASSKEY,
    does="Remove a passkey of somebody who lost it",
    needs_reason=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePasskeysOfUser:
    """Remove passkeys of somebody, also those for the console, whose sessions end then.

    The number of a user who loses one gets a message, if this program can send some.
    """

    identities: Identities
    act: ActForUsers
    events: SecurityEvents
    send_notice: SendNotice | None

    async def __call__(
        self, operator: Operator, query: UserQuery, named: str | None, reason: str
    ) -> Sequence[Passkey]:
        """Remove those of a name or id; None for all.

        Raises:
            PasskeyNotFound
            Forbidden, TooShort, UserNotFound, AuditFailed, StorageError: See `ActForUsers`.
        """

        def remove(identity: Identity) -> tuple[Identity, tuple[Identity, Sequence[Passkey]]]:
            removed = _find(identity, named)
            changed = identity.remove_passkeys(*[each.id for each in removed])
            return changed, (identity, removed)

        user = await self.act.find(operator, REMOVE, query, reason)
        found = user.require_identity()
        _find(found, named)
        async with self.act.record_act(operator.actor, REMOVE.action, found.id, reason):
            identity, removed = await change(
                self.identities, found.id, remove, missing=UserNotFound
            )
        for passkey in removed:
            self.events.record(
                PasskeyRemoved(
                    phone=identity.phone,
                    user_id=identity.id,
                    passkey_id=passkey.id,
                    reason="by an operator",
                )
            )
        is_of_user = any(passkey in identity.passkeys for passkey in removed)
        if self.send_notice is not None and identity.phone is not None and is_of_user:
            await self.send_notice(identity.phone, PhoneNotice.PASSKEY_REMOVED, None)
        return removed


def _find(identity: Identity, named: str | None) -> Sequence[Passkey]:
    """Return the passkeys of a name or id, or all; raises PasskeyNotFound if there is none."""
    found = [
        each for each in identity.all_passkeys if named is None or named in (each.id, each.name)
    ]
    if not found:
        raise PasskeyNotFound
    return found
