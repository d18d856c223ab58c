"""Media files in one folder of a file system."""

from adapters.disk.errors import MediaFolderNotUsable
from adapters.disk.files import DiskFiles, open_disk_files

__all__ = ["DiskFiles", "MediaFolderNotUsable", "open_disk_files"]
