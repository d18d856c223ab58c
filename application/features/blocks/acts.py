"""What operators do with blocks."""

from typing import Final

from application.administration.acts import Act
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope

ADD_BLOCK: Final = Act(
    name="add",
    action=AuditAction.ADD_BLOCK,
    does="Add a block",
    scope=Scope.WRITE_BLOCKS,
    needs_reason=True,
    needs_passkey=True,
)
END_BLOCK: Final = Act(
    name="end",
    action=AuditAction.END_BLOCK,
    does="End a block",
    scope=Scope.WRITE_BLOCKS,
    needs_reason=True,
    needs_passkey=True,
)
BLOCK_ACTS: Final = (ADD_BLOCK, END_BLOCK)
