"""The act of listing users."""

from typing import Final

from application.administration.acts import Act
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope

LIST: Final = Act(name="list", action=AuditAction.LIST_USERS, scope=Scope.LIST_USERS)
