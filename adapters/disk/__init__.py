"""Media files in a folder of the file system."""

from adapters.disk.files import DiskFiles, open_disk_files

__all__ = ["DiskFiles", "open_disk_files"]
