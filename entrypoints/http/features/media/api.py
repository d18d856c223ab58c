"""The library over HTTP."""

from collections.abc import Sequence
from types import MappingProxyType

import msgspec
from litestar import Controller
from litestar.config.app import AppConfig

from entrypoints.http.additions import ABOUT_API, HttpAdditions
from entrypoints.http.errors.fields import ServiceError
from entrypoints.http.features.media.errors import (
    ERRORS,
    PORT_ERRORS,
    MediaErrorFields,
    MediaFieldCode,
)
from entrypoints.http.features.media.library import (
    LibraryController,
    MediaFileController,
    UploadLimitsController,
)
from entrypoints.http.features.media.moderation import ModerationController
from entrypoints.http.features.media.settings import HttpMediaSettings
from entrypoints.http.operations import HealthField, ReadinessResponse


class MediaHealth(msgspec.Struct, kw_only=True):
    """The health of this part."""

    media: HealthField


_ABOUT = "Users can upload images to a library.\n"
_ABOUT_DELETION = "The library remains as long as the phone number does.\n"


class MediaHttpAdditions(HttpAdditions):
    """The library, its files and their moderation."""

    about = MappingProxyType({ABOUT_API: _ABOUT, "delete_me": _ABOUT_DELETION})
    errors = ERRORS
    port_errors = PORT_ERRORS
    fields = MappingProxyType({ReadinessResponse: MediaHealth, ServiceError: MediaErrorFields})
    use_cases = ("media.media", "media.moderation")
    field_codes = tuple(MediaFieldCode)
    controllers: Sequence[type[Controller]] = (
        LibraryController,
        UploadLimitsController,
        MediaFileController,
    )
    administration: Sequence[type[Controller]] = (ModerationController,)

    def __init__(self, settings: HttpMediaSettings) -> None:
        self._settings = settings

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        app_config.state["media_settings"] = self._settings
        return super().on_app_init(app_config)
