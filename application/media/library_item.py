from dataclasses import dataclass

from application.ports.media_files import MediaUrl
from domain.media.item import MediaItem


@dataclass(frozen=True, slots=True)
class LibraryItem:
    """A ready item with the address that its picture opens at."""

    item: MediaItem
    url: MediaUrl
