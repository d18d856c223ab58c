"""What operators do with the service tokens of backends. No API makes one."""

from typing import Final

from application.administration.acts import Act
from domain.administration.audit import AuditAction

CREATE: Final = Act(name="create", action=AuditAction.CREATE_TOKEN)
REVOKE: Final = Act(name="revoke", action=AuditAction.REVOKE_TOKEN)
