"""Media files in a bucket of S3, or of anything that speaks its language."""

from adapters.s3.errors import MediaStoreNotUsable
from adapters.s3.files import S3Files, open_s3_files
from adapters.s3.patience import Patience

__all__ = ["MediaStoreNotUsable", "Patience", "S3Files", "open_s3_files"]
