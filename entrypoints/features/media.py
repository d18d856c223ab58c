"""The library of pictures, with its moderation."""

from typing import Final

from entrypoints.features.feature import Feature


class Media(Feature):
    """The library of pictures, with its moderation."""

    name = "media"
    folders = (
        "domain/media",
        "application/media",
        "application/ports/media.py",
        "adapters/disk",
        "adapters/s3",
        "adapters/pillow",
        "adapters/records/features/media.py",
        "entrypoints/http/library",
        "entrypoints/commands/media",
        "pytest_dialtone/suites/media",
    )


MEDIA: Final = Media()
