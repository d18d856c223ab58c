"""What operators do with warnings."""

from typing import Final

from application.administration.acts import Act
from domain.administration.audit import AuditAction

END_WARNING: Final = Act(
    name="end",
    # Its own action would be one that an older instance cannot read.
    action=AuditAction.END_RULE,
    does="End a warning",
    needs_reason=True,
)
