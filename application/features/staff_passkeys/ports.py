"""The ports of passkeys of the staff."""

from dataclasses import dataclass

from application.ports.versioned import ExpiringRecords
from domain.features.staff_passkeys import PasskeyInvitation


@dataclass(frozen=True, slots=True)
class StaffPasskeyRepositories:
    """The repositories of passkeys of the staff, beside those in identities."""

    invitations: ExpiringRecords[PasskeyInvitation]
