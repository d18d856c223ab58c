"""What operators do with the passkeys of others: by commands only."""

from typing import Final

from application.administration.acts import Act
from domain.administration.audit import AuditAction

INVITE: Final = Act(
    name="passkey-invite",
    action=AuditAction.INVITE_PASSKEY,
    does="Let somebody of the staff add a passkey",
    needs_reason=True,
)
REMOVE: Final = Act(
    name="passkey-remove",
    action=AuditAction.REMOVE_PASSKEY,
    does="Remove a passkey of somebody who lost it",
    needs_reason=True,
)
