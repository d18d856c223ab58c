"""What operators do with rules."""

from typing import Final

from application.administration.acts import Act
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope

ADD_RULE: Final = Act(
    name="add",
    action=AuditAction.ADD_RULE,
    does="Add a rule",
    scope=Scope.WRITE_RULES,
    needs_reason=True,
    needs_passkey=True,
)
END_RULE: Final = Act(
    name="end",
    action=AuditAction.END_RULE,
    does="End a rule",
    scope=Scope.WRITE_RULES,
    needs_reason=True,
    needs_passkey=True,
)
RULE_ACTS: Final = (ADD_RULE, END_RULE)
