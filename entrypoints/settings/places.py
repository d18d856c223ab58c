"""Where records, media and keys are kept, as it is written in settings."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from domain.errors import ValueRefused
from entrypoints.settings.kinds import MediaFolder, SqliteDatabase

_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_SQLITE = "sqlite:///"


def read_database(text: str) -> SqliteDatabase:
    """Read the address of a database: three slashes and a path, absolute with a fourth."""
    instead = "takes sqlite:///path from the current folder, or sqlite:////path from the root."
    if text.startswith(("mongodb://", "mongodb+srv://")):
        raise ValueRefused(f"This version has no MongoDB yet; it {instead}")
    if _FACTORY.fullmatch(text):
        raise ValueRefused(f"This version has no databases of one's own yet; it {instead}")
    path = text.removeprefix(_SQLITE)
    if not text.startswith(_SQLITE) or not path or path.endswith("/") or path == ":memory:":
        raise ValueRefused(f"Records are kept in a file: {instead}")
    if "?" in path or "#" in path:
        raise ValueRefused(f"The address of the database takes no ? and no #: {instead}")
    return SqliteDatabase(Path(path).absolute())


def read_media(text: str) -> MediaFolder:
    """Read the address of a folder (RFC 8089); without slashes it is below the current one."""
    instead = "takes file:///path from the root, or file:path from the current folder."
    if text.startswith("s3://"):
        raise ValueRefused(f"This version has no S3 yet; it {instead}")
    is_file = text.startswith("file:")
    if not is_file and _FACTORY.fullmatch(text):
        raise ValueRefused(f"This version has no media stores of one's own yet; it {instead}")
    path = unquote(text.removeprefix("file:"), errors="replace")
    if path.startswith("//"):
        host, path = urlsplit(path).netloc, path[2 + len(urlsplit(path).netloc) :]
        is_file = is_file and host in ("", "localhost")
    if not is_file or not path.strip("/") or "?" in text or "#" in text or not path.isprintable():
        raise ValueRefused(f"Media is kept in a folder: {instead}")
    return MediaFolder(Path(path).absolute())


def read_path(text: str) -> Path:
    """Read a path; a relative one is below the current folder."""
    if text.endswith("/"):
        raise ValueRefused("Takes the path of a file.")
    return Path(text).absolute()
