"""What operators do with events of users."""

from typing import Final

from application.administration.acts import Act
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope

RETRY: Final = Act(
    name="retry",
    action=AuditAction.RETRY_EVENTS,
    scope=Scope.RETRY_EVENTS,
    needs_reason=True,
)
