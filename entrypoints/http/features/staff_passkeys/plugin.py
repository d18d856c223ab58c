"""What passkeys of the staff add to the HTTP application."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.errors import PasskeyRequired, ReauthenticationRequired
from domain.features import staff_passkeys
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.plugin import ApiPlugin

ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    PasskeyRequired: ErrorRow(
        403,
        "passkey_required",
        "This needs a passkey, and no session of an app has one. Sign in at /console with your"
        " passkey, or use a service token.",
    ),
    # On pages of the console
    staff_passkeys.InvitationNotValid: ErrorRow(
        410,
        "invitation_not_valid",
        "This link was used, is older than 15 minutes, or void. Ask for another one: an operator"
        " makes it with dialtone user passkey-invite.",
    ),
    staff_passkeys.PasskeysNotPossible: ErrorRow(
        409,
        "passkeys_not_possible",
        "There can be no passkeys with the settings of this service.",
    ),
    staff_passkeys.NotStaff: ErrorRow(403, "not_staff", "Only staff signs in to the console."),
    staff_passkeys.LastPasskey: ErrorRow(
        409,
        "last_passkey",
        "This is the only passkey of the account, which needs one. Add another one first.",
    ),
}


class StaffPasskeysPlugin(ApiPlugin):
    """The errors of passkeys of the staff. What needs a role may need a passkey."""

    errors = ERRORS
    related_errors = MappingProxyType({ReauthenticationRequired: (PasskeyRequired,)})
