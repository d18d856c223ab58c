"""The OpenAPI description of what the service does, and of nothing that it does not."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from litestar import Controller, Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Server, Tag
from litestar.routes import HTTPRoute

from entrypoints.http.api_page.answers import complete_answers
from entrypoints.http.api_page.links import add_links
from entrypoints.http.api_page.schemas import complete_schemas
from entrypoints.http.dependencies import dependencies
from entrypoints.http.http_settings import HttpSettings

_ABOUT: Final = """\
Sign in by a code sent to a phone, keep a user and a library of pictures.

Every refusal has a sentence for people and a stable `code` for programs; bad fields are named
one by one under `errors`. A refusal for rate is a 429 with `Retry-After`, in seconds. Every
answer carries `X-Request-Id`, which the service's log knows too. HEAD works wherever GET does;
a method that a path does not take is a 405 whose `Allow` names those that it does, as OPTIONS.
"""


def _openapi_config(version: str) -> OpenAPIConfig:
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
    )


def describe_api(controllers: Sequence[type[Controller]], settings: HttpSettings) -> dict[str, Any]:
    """Describe what these controllers do.

    An application is made for it that serves nothing: the framework's description comes with
    pages of its own, whose scripts are other hosts'.
    """
    app = Litestar(
        route_handlers=list(controllers),
        dependencies=dependencies(settings),
        openapi_config=_openapi_config(settings.version),
        logging_config=None,
    )
    description = app.openapi_schema.to_schema()
    complete_schemas(description, _bodies(app))
    complete_answers(description)
    add_links(description)
    return description


def _bodies(app: Litestar) -> Iterator[type[msgspec.Struct]]:
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            data = handler.parsed_fn_signature.parameters.get("data")
            for one in (data, *data.inner_types) if data else ():
                if one.is_subclass_of(msgspec.Struct):
                    yield one.annotation
