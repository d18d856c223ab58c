"""Media files in a bucket of Amazon S3 or of an S3-compatible store."""

from adapters.media.s3.client import S3Timeouts
from adapters.media.s3.files import S3Files, open_s3_files

__all__ = ["S3Files", "S3Timeouts", "open_s3_files"]
