"""The settings of uploads and files in requests."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # reading settings does not load the framework
    from entrypoints.http.requests.request import ApiRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpMediaSettings:
    """The settings of uploads and files.

    Attributes:
        upload_limit: The maximum size of a file, in bytes.
        cache_control: The header of files that need no access token.
    """

    upload_limit: int = 20_000_000
    cache_control: str = "public, max-age=31536000, immutable"


def media_settings(request: "ApiRequest") -> HttpMediaSettings:
    """Return the settings that `MediaHttpAdditions` has put into the state of the application."""
    settings: HttpMediaSettings = request.app.state.media_settings
    return settings
