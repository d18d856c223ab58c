"""The media folder, which only the service creates."""

from entrypoints.features.media import MediaSettings
from entrypoints.opening.startup_error import StartupError
from entrypoints.settings.media_stores import MediaFolder
from entrypoints.settings.settings import Settings


def require_media_folder(settings: Settings) -> None:
    """Return if the media folder exists, or if the media store is none.

    To open it would create it, and an empty folder looks like one that works.

    Raises:
        StartupError
    """
    media = settings.of(MediaSettings).media
    if isinstance(media, MediaFolder) and not media.path.is_dir():
        raise StartupError(
            f"DIALTONE_MEDIA: {media.path} does not exist. Mount or restore it; the first "
            "start of the service creates it."
        )
