"""Show a user to another one."""

from dataclasses import dataclass

from application.administration.operator import staff_member
from application.administration.view_phone import ViewPhone
from application.identities.users import GetUser
from application.principal import Principal
from domain.administration.scope import Scope
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class ViewUser:
    """Show a user to a principal.

    Administrators see the full number of somebody else if they logged in within the last 15
    minutes, but not that of another administrator. An entry of the audit is written before.
    """

    get_user: GetUser
    view_phone: ViewPhone

    async def __call__(self, principal: Principal, user_id: str) -> tuple[Identity, str | None]:
        """Return the user, with the number as an administrator sees it; None for all others.

        Raises:
            UserNotFound
            AuditFailed
            StorageError
        """
        identity = await self.get_user(user_id)
        if not principal.has_scope(Scope.READ_PHONES) or identity.phone is None:
            return identity, None
        operator = staff_member(principal)
        if not operator.may_act_on_identity(identity):
            return identity, None
        return identity, await self.view_phone(operator, identity.phone, identity.id)
