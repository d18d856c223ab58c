"""Passkeys over HTTP."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from domain.errors import PasskeyRequired, ReauthenticationRequired
from domain.features import passkeys
from domain.identities.passkey import MAX_PASSKEYS
from entrypoints.http.additions import ABOUT_API, HttpAdditions
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.features.passkeys.console_sessions import ConsoleSignInController
from entrypoints.http.features.passkeys.own_passkeys import (
    PasskeyController,
    PasskeySignInController,
)
from entrypoints.http.features.passkeys.staff_passkeys import (
    InvitationController,
    NewStaffPasskeyController,
    StaffPasskeyController,
)

ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    passkeys.PasskeyRejected: ErrorRow(
        403,
        "passkey_rejected",
        "This passkey does not work here: it was removed, it is for something else, or the device"
        " did not ask for a fingerprint, a face or a PIN. Choose another one, or sign in in another"
        " way.",
    ),
    passkeys.NewPasskeyRejected: ErrorRow(
        403,
        "passkey_rejected",
        "This passkey cannot be added: the device did not ask for a fingerprint, a face or a PIN,"
        " or it made one that cannot sign in. Try again, or use another device.",
    ),
    passkeys.SignCountFell: ErrorRow(
        403,
        "passkey_count_fell",
        "This passkey was used elsewhere, so it may have been copied. Sign in with a code or"
        " another passkey, remove this one, and add a new one. At the console, ask an operator.",
    ),
    passkeys.ChallengeNotValid: ErrorRow(
        409,
        "challenge_not_valid",
        "Expired after five minutes, or already used. Try again.",
    ),
    passkeys.TooManyPasskeys: ErrorRow(
        409,
        "too_many_passkeys",
        f"The account has {MAX_PASSKEYS} passkeys. Remove one first.",
    ),
    passkeys.TooManyPasskeysAdded: ErrorRow(
        429,
        "rate_limited",
        "The number is told of each passkey, and got too many such messages. Wait before you add"
        " another one.",
        example=partial(passkeys.TooManyPasskeysAdded, retry_after=3600),
    ),
    passkeys.PasskeyExists: ErrorRow(
        409, "passkey_exists", "The account has this passkey already."
    ),
    passkeys.PasskeyNotFound: ErrorRow(404, "passkey_not_found", "There is no such passkey."),
    passkeys.InvitationNotValid: ErrorRow(
        410,
        "invitation_not_valid",
        "This link was used, is older than 15 minutes, or void. Ask for another one: an operator"
        " makes it with dialtone user passkey-invite.",
    ),
    passkeys.NotStaff: ErrorRow(
        409, "not_staff", "This account has no role, is blocked, or its number has a test code."
    ),
    passkeys.HasStaffPasskey: ErrorRow(
        409,
        "has_passkey",
        "This person has a passkey for the console. If it is lost, a command removes it (dialtone"
        " user passkey-remove) and makes a link (dialtone user passkey-invite).",
    ),
    passkeys.TouchRequired: ErrorRow(
        403,
        "touch_required",
        "Confirm this with your passkey: send its answer to the options of POST"
        " /admin/session/touch in the field touch.",
    ),
    passkeys.LastPasskey: ErrorRow(
        409,
        "last_passkey",
        "This is the only passkey of the account, which needs one. Add another one first.",
    ),
}


_ABOUT_SIGN_OUT: Final = "Passkeys stay: an operator removes them (`dialtone user passkey-remove`)."
_ABOUT_LOGOUT: Final = (
    "Passkeys stay, also with `all`: `DELETE /users/me/passkeys/{passkey_id}` removes one."
)
_ABOUT: Final = """\
A user adds a passkey (`POST /users/me/passkeys`), and signs in with it instead of a code
(`POST /auth/passkey`).
"""


class PasskeysHttpAdditions(HttpAdditions):
    """The errors of passkeys, and their paths where there can be passkeys.

    What needs a role may need a passkey of the staff, also where no console is.
    """

    errors = ERRORS
    own_pages = ("/admin/session", "/admin/passkeys")
    related_errors = MappingProxyType({ReauthenticationRequired: (PasskeyRequired,)})

    def __init__(self, *, has_paths: bool, has_console: bool) -> None:
        use_cases = list[str]()
        if has_console:
            use_cases.append("passkeys.staff")
            self.administration = (
                ConsoleSignInController,
                InvitationController,
                NewStaffPasskeyController,
                StaffPasskeyController,
            )
        if has_paths:
            use_cases.append("passkeys.passkeys")
            self.about = MappingProxyType(
                {
                    ABOUT_API: _ABOUT,
                    "logout": _ABOUT_LOGOUT,
                    "sign_out_user": _ABOUT_SIGN_OUT,
                }
            )
            self.controllers = (PasskeyController, PasskeySignInController)
        self.use_cases = use_cases
