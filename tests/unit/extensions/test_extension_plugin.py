"""The controllers of an extension: below its path only, with our limits, described apart."""

from typing import Any, Final

import msgspec
import pytest
from litestar import Controller, WebSocket, get, post, put, websocket
from litestar.params import FromPath, JSONBody

from application.ports.errors import ConfigurationError
from domain.errors import DomainError, Forbidden
from entrypoints.extensions.http import AuthenticationMiddleware, ErrorRow, ExtensionHttp
from entrypoints.features import FEATURES
from entrypoints.http.app import describe_app
from entrypoints.http.extensions.plugin import make_extension_plugin
from entrypoints.http.settings import HttpServerSettings, HttpSettings
from entrypoints.openapi import describe_features
from entrypoints.settings.read import read_settings

SETTINGS: Final = HttpSettings(server=HttpServerSettings(public_url="/"))


class NoteMissing(DomainError):
    """There is no such note."""


class NotForGuests(Forbidden):
    """It has the response of its base."""


class UserResponse(msgspec.Struct):
    """A schema with the name of one of ours, and without a description."""

    text: str
    next: "UserResponse | None" = None


class NoteBody(msgspec.Struct):
    text: str


class NoteController(Controller):
    path = "/x/acme/notes"
    middleware = (AuthenticationMiddleware,)

    @get("/{note_id:str}", errors=[NoteMissing, NotForGuests])
    async def get_user(self, note_id: FromPath[str]) -> UserResponse:
        return UserResponse(note_id)

    @put("/{note_id:str}")
    async def write(self, note_id: FromPath[str], data: JSONBody[NoteBody]) -> dict[str, str]:
        return {note_id: data.text}


class PublicController(Controller):
    path = "/x/acme"

    @post("/hook")
    async def take(self) -> None:
        """Take a call."""


class LenientController(Controller):
    path = "/x/acme"

    @post("/any")
    async def take(self, data: JSONBody[dict[str, str]]) -> None: ...


class Outside(Controller):
    path = "/auth"

    @get("/notes")
    async def show(self) -> None: ...


class Beside(Outside):
    path = "/x/acme_other"


class Sockets(Controller):
    path = "/x/acme"

    @websocket("/socket")
    async def connect(self, socket: WebSocket[Any, Any, Any]) -> None: ...


ROW: Final = ErrorRow(404, "acme_note_missing", "There is no such note.")


def http(*controllers: Any, **errors: Any) -> ExtensionHttp:
    return ExtensionHttp(controllers=controllers, errors=errors.get("errors", {}))


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        (http(Outside), "Outside has the path /auth/notes: it must begin with /x/acme/"),
        (http(Beside), "/x/acme_other/notes: it must begin with /x/acme/"),
        (http(Sockets), "/x/acme/socket, which is no path for HTTP requests"),
        (http(LenientController), "LenientController.take takes JSON as another type than a Str"),
        (http(Outside.show), "is not a Controller of Litestar"),
        (http(errors={Forbidden: ROW}), "Forbidden is an error of Dialtone"),
        (http(errors={ValueError: ROW}), "is not a subclass of DomainError"),
        (http(errors={NoteMissing: ErrorRow(404, "missing")}), "a code that begins with acme_"),
        (http(errors={NoteMissing: ErrorRow(200, "acme_missing")}), "a status from 400 to 599"),
        (http(NoteController), "cannot be described .KeyError: <class .*NoteMissing"),
    ],
)
def test_what_is_not_allowed_is_one_sentence_at_the_start(
    parts: ExtensionHttp, problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        make_extension_plugin("acme", parts)


def test_no_name_of_an_extension_changes_the_description_of_ours() -> None:
    parts = http(NoteController, PublicController, errors={NoteMissing: ROW})
    defaults = read_settings({}, None)
    own = [plugin for feature in FEATURES for plugin in feature.plugins(defaults, FEATURES)]

    described = describe_app(SETTINGS, [*own, make_extension_plugin("acme", parts)])

    ours = describe_features()
    paths, schemas = described["paths"], described["components"]["schemas"]
    assert {path: paths[path] for path in ours["paths"]} == ours["paths"]
    assert {name: schemas[name] for name in ours["components"]["schemas"]} == ours["components"][
        "schemas"
    ]
    note = paths["/x/acme/notes/{note_id}"]
    assert note["get"]["operationId"] == "x_acme_get_user"
    schema = note["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/x_acme_UserResponse"}
    assert schemas["x_acme_UserResponse"]["properties"].keys() == {"text", "next"}
    assert {"401", "403", "404", "429"} <= note["get"]["responses"].keys()
    hook = paths["/x/acme/hook"]["post"]
    assert (hook["security"], "429" in hook["responses"]) == ([], True)
