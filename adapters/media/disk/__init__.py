"""Media files in a folder of the file system."""

from adapters.media.disk.files import DiskFiles, is_prepared, open_disk_files
from adapters.media.disk.folder import has_files

__all__ = ["DiskFiles", "has_files", "is_prepared", "open_disk_files"]
