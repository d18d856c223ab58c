"""What operators do with the data of a user."""

from typing import Final

from application.administration.acts import Act
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope

EXPORT: Final = Act(
    name="export", action=AuditAction.EXPORT, scope=Scope.EXPORT_USERS, needs_fresh_login=True
)
