"""What operators do with the phone number of a user."""

from typing import Final

from application.administration.acts import Act
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope

CHANGE_PHONE: Final = Act(
    name="change-phone",
    action=AuditAction.CHANGE_PHONE,
    scope=Scope.CHANGE_PHONES,
    needs_fresh_login=True,
    needs_reason=True,
)
