"""Files of users: CSV, JSON lines, and the exports of other services."""

from adapters.user_files.formats import FIELD_NAMES, FORMATS
from adapters.user_files.user_file import UserFile, show_column

__all__ = ["FIELD_NAMES", "FORMATS", "UserFile", "show_column"]
