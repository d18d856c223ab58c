"""What backends set of a user."""

from typing import Final

from application.administration.acts import Act
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope

SET_APP_DATA: Final = Act(
    name="app-data",
    action=AuditAction.SET_APP_DATA,
    scope=Scope.SET_USER_DATA,
    needs_fresh_login=True,
)
SET_CLAIMS: Final = Act(
    name="claims",
    action=AuditAction.SET_CLAIMS,
    scope=Scope.SET_USER_DATA,
    needs_fresh_login=True,
)
