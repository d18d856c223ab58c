"""What passkeys add to the HTTP application."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.errors import PasskeyRequired, ReauthenticationRequired
from domain.features import passkeys
from domain.identities.passkey import MAX_PASSKEYS
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
    passkeys.PasskeyRejected: ErrorRow(
        403,
        "passkey_rejected",
        "This passkey does not work here: it was removed, its account has no role or is blocked, or"
        " the device did not ask for a fingerprint, a face or a PIN. Choose another one, or ask an"
        " operator for a link to add one.",
    ),
    passkeys.SignCountFell: ErrorRow(
        403,
        "passkey_count_fell",
        "This passkey was used elsewhere since: there may be a copy of its device. Tell an"
        " operator, who removes it and makes a link to add another one.",
    ),
    passkeys.ChallengeNotValid: ErrorRow(
        409,
        "challenge_not_valid",
        "This took longer than five minutes, or came twice. Try again.",
    ),
    passkeys.InvitationNotValid: ErrorRow(
        410,
        "invitation_not_valid",
        "This link was used, is older than 15 minutes, or void. Ask for another one: an operator"
        " makes it with dialtone user passkey-invite.",
    ),
    passkeys.PasskeysNotPossible: ErrorRow(
        409,
        "passkeys_not_possible",
        "There can be no passkeys with the settings of this service.",
    ),
    passkeys.NotStaff: ErrorRow(403, "not_staff", "Only staff signs in with passkeys."),
    passkeys.TooManyPasskeys: ErrorRow(
        409,
        "too_many_passkeys",
        f"The account has {MAX_PASSKEYS} passkeys. Remove one first.",
    ),
    passkeys.PasskeyExists: ErrorRow(
        409, "passkey_exists", "The account has this passkey already."
    ),
    passkeys.LastPasskey: ErrorRow(
        409,
        "last_passkey",
        "This is the only passkey of the account, which needs one. Add another one first.",
    ),
    passkeys.PasskeyNotFound: ErrorRow(404, "passkey_not_found", "There is no such passkey."),
}


class PasskeysPlugin(ApiPlugin):
    """The errors of passkeys. What needs a role may need a passkey."""

    errors = ERRORS
    related_errors = MappingProxyType({ReauthenticationRequired: (PasskeyRequired,)})
