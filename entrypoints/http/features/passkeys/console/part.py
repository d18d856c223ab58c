"""Passkeys in the console."""

from pathlib import Path
from typing import Final

from entrypoints.http.features.console.part import ConsolePart
from entrypoints.http.features.console.redirects import PASSKEY_ENROLMENT, PASSKEY_SIGN_IN, PASSKEYS
from entrypoints.http.features.passkeys.console.enrolment import PasskeyEnrolmentController
from entrypoints.http.features.passkeys.console.own import OwnPasskeysController
from entrypoints.http.features.passkeys.console.sign_in import PasskeySignInController
from entrypoints.http.responses.served_files import ServedFile

PART: Final = ConsolePart(
    templates=Path(__file__).parent,
    controllers=(
        PasskeySignInController,
        PasskeyEnrolmentController,
        OwnPasskeysController,
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
    files={
        "/console/passkeys.js": ServedFile(
            "text/javascript", (Path(__file__).parent / "passkeys.js").read_bytes
        )
    },
    scripted_paths=(PASSKEY_SIGN_IN, PASSKEY_ENROLMENT),
)
