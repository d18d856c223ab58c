"""Passkeys in the console."""

from pathlib import Path
from typing import Final

from entrypoints.http.console.part import ConsolePart
from entrypoints.http.console.passkeys.enrolment import PasskeyEnrolmentController
from entrypoints.http.console.passkeys.own import OwnPasskeysController
from entrypoints.http.console.passkeys.sign_in import PasskeySignInController, ScriptController
from entrypoints.http.console.redirects import PASSKEY_ENROLMENT, PASSKEY_SIGN_IN, PASSKEYS

PART: Final = ConsolePart(
    templates=Path(__file__).parent / "templates",
    controllers=(
        PasskeySignInController,
        PasskeyEnrolmentController,
        OwnPasskeysController,
        ScriptController,
    ),
    navigation=((80, "Passkeys", PASSKEYS, None),),
    done={
        "passkey_added": "The passkey is added. All other sessions of the console have ended.",
        "passkey_removed": "The passkey is removed.",
        "passkey_needed": "This needs a sign-in with a passkey.",
        "passkey_required": "The code was right, but this account needs its passkey.",
        "passkey_missing": (
            "The code was right, but this account needs a passkey, and has none. Ask whoever runs"
            " commands on the machine of the service for a link for the first one."
        ),
    },
    scripted_paths=(PASSKEY_SIGN_IN, PASSKEY_ENROLMENT),
)
