"""Remove passkeys: one's own, and those of somebody who lost them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from application.administration.act_for_users import ActForUsers
from application.administration.acts import Act
from application.administration.find_user import UserQuery
from application.administration.operator import Operator
from application.features.passkeys.events import PasskeyRemoved
from application.features.passkeys.notices import PasskeyNotices
from application.ports.identities import Identities
from application.update import change
from domain.administration.audit import AuditAction
from domain.errors import UserNotFound
from domain.features.passkeys import PasskeyNotFound, limits_of_notice
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

    - The number gets a message, unless a limit or a block leaves it out.
    - Rights of staff by code do not come back, unless the operator says so.
    """

    identities: Identities
    act: ActForUsers
    notices: PasskeyNotices

    async def __call__(
        self,
        operator: Operator,
        query: UserQuery,
        named: str | None,
        reason: str,
        *,
        allows_codes: bool = False,
    ) -> Sequence[Passkey]:
        """Remove passkeys by name or id; None for all.

        With `allows_codes`, rights of staff count after a sign-in by code again, if no passkey for
        the console remains. Then there may be none to remove.

        Raises:
            PasskeyNotFound
            Forbidden, TooShort, UserNotFound, AuditFailed, StorageError: See `ActForUsers`.
        """
        is_none_enough = allows_codes and named is None

        def remove(identity: Identity) -> tuple[Identity, tuple[Identity, Sequence[Passkey]]]:
            removed = _find(identity, named, is_none_enough=is_none_enough)
            changed = identity.remove_passkeys(*[each.id for each in removed])
            if allows_codes and not changed.staff_passkeys:
                changed = changed.allow_codes()
            return changed, (identity, removed)

        user = await self.act.find(operator, REMOVE, query, reason)
        found = user.require_identity()
        to_remove = _find(found, named, is_none_enough=is_none_enough)
        of_staff = [each.id for each in to_remove if each.is_staff]
        if of_staff:
            reason += f" (passkeys for the console: {', '.join(of_staff)})"
        async with self.act.record_act(operator.actor, REMOVE.action, found.id, reason):
            identity, removed = await change(
                self.identities, found.id, remove, missing=UserNotFound
            )
        if removed:
            events = [
                PasskeyRemoved(
                    phone=identity.phone,
                    user_id=identity.id,
                    passkey_id=passkey.id,
                    reason="by an operator",
                )
                for passkey in removed
            ]
            limits = limits_of_notice(identity.id)
            notice = PhoneNotice.PASSKEY_REMOVED
            sending = await self.notices.tell(identity.phone, notice, limits, *events)
            if sending is not None:  # a command ends after this
                await sending
        return removed


def _find(identity: Identity, named: str | None, *, is_none_enough: bool) -> Sequence[Passkey]:
    """Return the passkeys of a name or id, or all; raises PasskeyNotFound if there is none."""
    found = [
        passkey
        for passkey in identity.passkeys
        if named is None or named in (passkey.id, passkey.name)
    ]
    if not found and not is_none_enough:
        raise PasskeyNotFound
    return found
