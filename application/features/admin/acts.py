"""What operators do with service tokens, which no API makes, and the list of users."""

from typing import Final

from application.administration.acts import Act
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope

CREATE: Final = Act(name="create", action=AuditAction.CREATE_TOKEN)
REVOKE: Final = Act(name="revoke", action=AuditAction.REVOKE_TOKEN)
LIST: Final = Act(name="list", action=AuditAction.LIST_USERS, scope=Scope.LIST_USERS)
