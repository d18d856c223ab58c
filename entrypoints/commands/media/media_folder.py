"""The media folder, which only the service creates."""

from entrypoints.opening.startup_error import StartupError
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import MediaFolder


def require_media_folder(settings: Settings) -> None:
    """Return if the media folder exists, or if the media store is none.

    To open it would create it, and an empty folder looks like one that works.

    Raises:
        StartupError
    """
    if isinstance(settings.media, MediaFolder) and not settings.media.path.is_dir():
        raise StartupError(
            f"DIALTONE_MEDIA: {settings.media.path} does not exist. Mount or restore it; the first "
            "start of the service creates it."
        )
