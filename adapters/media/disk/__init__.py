"""Media files in a folder of the file system."""

from adapters.media.disk.files import DiskFiles, is_prepared, open_disk_files

__all__ = ["DiskFiles", "is_prepared", "open_disk_files"]
