"""All optional features, and extensions. Nothing else names all of them."""

from typing import Any, Final

from adapters.databases.records.all_kinds import declare_kinds
from adapters.databases.records.kinds import CORE_KINDS
from entrypoints.composition.extensions import load_extensions
from entrypoints.features.admin import ADMIN
from entrypoints.features.app_data import APP_DATA
from entrypoints.features.attestation import ATTESTATION
from entrypoints.features.blocks import BLOCKS
from entrypoints.features.console import CONSOLE
from entrypoints.features.events import EVENTS
from entrypoints.features.export import EXPORT
from entrypoints.features.feature import Feature
from entrypoints.features.imports import IMPORTS
from entrypoints.features.legacy_otp import LEGACY_OTP
from entrypoints.features.login_hook import LOGIN_HOOK
from entrypoints.features.media.feature import MEDIA
from entrypoints.features.passkeys import PASSKEYS
from entrypoints.features.phone_change import PHONE_CHANGE
from entrypoints.features.start import START
from entrypoints.features.statistics import STATISTICS
from entrypoints.features.tracing import TRACING
from entrypoints.features.verifications import VERIFICATIONS
from entrypoints.features.voice.feature import VOICE
from entrypoints.features.whatsapp import WHATSAPP

_OURS: Final[tuple[Feature[Any], ...]] = (
    ATTESTATION,
    APP_DATA,
    PHONE_CHANGE,
    MEDIA,
    VOICE,
    WHATSAPP,
    EVENTS,
    STATISTICS,
    EXPORT,
    IMPORTS,
    LOGIN_HOOK,
    BLOCKS,
    ADMIN,
    VERIFICATIONS,
    CONSOLE,
    PASSKEYS,
    START,
    LEGACY_OTP,
    TRACING,
)
FEATURES: Final = (*_OURS, *load_extensions(_OURS))
"""All features in the order of their opening: each after those that it needs."""
KINDS: Final = (*CORE_KINDS, *(kind for feature in FEATURES for kind in feature.kinds))
declare_kinds(KINDS)
