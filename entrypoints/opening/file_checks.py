"""The checks of all files that the settings name: message templates, and those of features."""

from collections.abc import Callable
from typing import Any, Final

from entrypoints.features import FEATURES
from entrypoints.opening.operator_files import load_sms_templates

FILE_CHECKS: Final[tuple[Callable[[Any], object], ...]] = (
    load_sms_templates,
    *(check for feature in FEATURES for check in feature.file_checks()),
)
"""With them, the settings and the files that they name are checked together."""
