"""The library over HTTP."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Annotated, Self

import msgspec
from litestar import Controller
from litestar.config.app import AppConfig

from application.administration.show_user import UserDetails
from application.features.media.feature import LibraryDetails
from entrypoints.http.administration.user_details import UserFields
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
from entrypoints.http.fields import described
from entrypoints.http.operations import HealthField, ReadinessResponse
from entrypoints.http.plugin import ABOUT_API, ApiPlugin


class MediaHealth(msgspec.Struct, kw_only=True):
    """The health of this part."""

    media: HealthField


_ABOUT = "Users can upload images to a library.\n"
_ABOUT_DELETION = "The library remains as long as the phone number does.\n"


class MediaPlugin(ApiPlugin):
    """The library, its files and their moderation."""

    about = MappingProxyType({ABOUT_API: _ABOUT, "delete_me": _ABOUT_DELETION})
    errors = ERRORS
    port_errors = PORT_ERRORS
    fields = MappingProxyType({ReadinessResponse: MediaHealth, ServiceError: MediaErrorFields})
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


class LibraryResponse(msgspec.Struct, kw_only=True):
    """The size of the library."""

    items: Annotated[int, described("Items, with uploads under way.", 1200)]
    bytes: Annotated[int, described("Bytes, with uploads under way.", 4999990000)]
    quota_items: Annotated[int, described("How many items it may have.", 10000)]
    quota_bytes: Annotated[int, described("How many bytes it may have.", 5000000000)]


class LibraryFields(UserFields, kw_only=True):
    """The library of a user."""

    library: Annotated[
        LibraryResponse | None,
        described("Its size; null without an account, and after the deletion."),
    ]

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        shown = details.parts.find(LibraryDetails)
        if shown is None:
            return cls(library=None)
        return cls(
            library=LibraryResponse(
                items=shown.usage.used_items,
                bytes=shown.usage.used_bytes,
                quota_items=shown.quota.max_items,
                quota_bytes=shown.quota.max_bytes,
            )
        )
