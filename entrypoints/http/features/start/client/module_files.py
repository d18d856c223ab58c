"""The client module for web apps, and its types: see `docs/web.md`."""

from collections.abc import Mapping
from functools import partial
from importlib.resources import files
from typing import Final

from entrypoints.http.responses.served_files import KEPT_BUT_ASKED_FOR, ServedFile
from entrypoints.version.distribution import installed_version


def _read_file(name: str) -> bytes:
    content = files(__package__).joinpath(name).read_bytes()
    return content.replace(b"$version", installed_version().encode())


CLIENT_FILES: Final[Mapping[str, ServedFile]] = {
    f"/client/{name}": ServedFile(
        media_type, partial(_read_file, name), KEPT_BUT_ASKED_FOR, has_etag=True
    )
    for name, media_type in {
        "dialtone.js": "text/javascript",
        "dialtone.d.ts": "text/plain",
    }.items()
}
