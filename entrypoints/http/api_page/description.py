"""The OpenAPI description of what the service does, and of nothing that it does not."""

from functools import cache
from typing import Any, Final

from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Server, Tag

_ABOUT: Final = """\
Sign in by a code sent to a phone, keep a user and a library of pictures.

Every refusal has a sentence for people and a stable `code` for programs; bad fields are named
one by one under `errors`. A refusal for rate is a 429 with `Retry-After`, in seconds. Every
answer carries `X-Request-Id`, which the service's log knows too.
"""
_FRAMEWORKS_OWN_ERROR: Final = {"detail", "status_code"}


def openapi_config(version: str) -> OpenAPIConfig:
    """Say what holds for the description as a whole."""
    return OpenAPIConfig(
        title="Dialtone",
        version=version,
        description=_ABOUT,
        servers=[Server(url="/")],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    bearer_format="JWT",
                    description="The `access_token` that a right code brings.",
                )
            }
        ),
        tags=[
            Tag(name="Sign-in", description="A code by message, and the token that it brings."),
            Tag(name="Users", description="People, and what they call themselves."),
            Tag(name="Library", description="Everybody's pictures."),
            Tag(
                name="Sign-in of the older mobile app",
                description="Two paths kept to the letter for clients that exist.",
            ),
            Tag(name="Operations", description="For the machines that watch the service."),
        ],
        use_handler_docstrings=True,
        render_plugins=[],
    )


@cache
def describe_api(app: Litestar) -> dict[str, Any]:
    """Give the description, without the error bodies that the framework would have had."""
    description = app.openapi_schema.to_schema()
    for path in description["paths"].values():
        for operation in path.values():
            operation["responses"] = {
                status: response
                for status, response in operation["responses"].items()
                if not _is_frameworks_own(response)
            }
    return description


def _is_frameworks_own(response: dict[str, Any]) -> bool:
    schemas = [content.get("schema", {}) for content in response.get("content", {}).values()]
    return any(set(schema.get("required", ())) == _FRAMEWORKS_OWN_ERROR for schema in schemas)
