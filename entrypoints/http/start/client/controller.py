"""The client module for web apps, and its types."""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from litestar import Controller, Response, get
from litestar.params import FromPath

from entrypoints.http.errors.exceptions import PathNotFound
from entrypoints.http.preconditions import Validators
from entrypoints.http.request import ApiRequest
from entrypoints.version.distribution import installed_version

_FILES: Final = {"dialtone.js": "text/javascript", "dialtone.d.ts": "text/plain"}


class ClientController(Controller):
    """`/client/dialtone.js`, which web apps import or copy; see `docs/web.md`."""

    path = "/client"
    include_in_schema = False

    @get("/{name:str}")
    async def get_file(self, request: ApiRequest, name: FromPath[str]) -> Response[bytes]:
        """Return a file of the module. A client that has it already gets a 304."""
        if name not in _FILES:
            raise PathNotFound
        content = _read_file(name)
        validators = Validators(etag=f'"{sha256(content).hexdigest()}"')
        is_known = validators.is_not_modified(request.headers)
        return Response(
            b"" if is_known else content,
            status_code=304 if is_known else 200,
            media_type=_FILES[name],
            # The next version of the service may have another one.
            headers=validators.headers | {"Cache-Control": "public, no-cache"},
        )


@cache
def _read_file(name: str) -> bytes:
    content = files(__package__).joinpath(name).read_bytes()
    return content.replace(b"$version", installed_version().encode())
