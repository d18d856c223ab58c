"""What a feature adds to the HTTP application."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
from litestar import Controller
from litestar.config.app import AppConfig
from litestar.plugins import InitPlugin

from application.ports.errors import PortError
from entrypoints.http.errors.table import ApiError, ErrorRow, ErrorTable
from entrypoints.http.requests.auth import OperatorKind
from entrypoints.http.requests.dependencies import provide_features
from entrypoints.http.responses.served_files import ServedFile

ABOUT_API: Final = "api"
ABOUT_TOKENS: Final = "tokens"


class HttpAdditions(InitPlugin):
    """A feature's additions to the HTTP application, which reads these attributes.

    Their maker passes the settings of the feature. `HttpSettings` is in the state of the
    application, as `settings`.

    Attributes:
        use_cases: What handlers get by name: the name of the feature, or `voice.line`.
        administration: Controllers for operators. The service has them, and describes them, if a
            feature adds the administration.
        hidden_controllers: Controllers that the description lacks.
        files: Files that are the same for everybody, by their paths.
        webhooks: The first segments of paths that other services send requests to, which are
            signed. No browser sends them, so their origin is not checked.
        own_pages: Paths, with those below them, for pages of the service only: pages of listed
            origins may send no request there.
        pages: Pages for people, by their paths, with their names.
        port_errors: The errors of its ports, with those of their responses.
        error_table: The errors of its API, if its paths are not of the main API.
        field_codes: The codes of invalid fields that only the feature has.
        fields: Structs with the fields that are added to Structs of the core, or described better.
            Those of the body of a request are parsed too, also in Structs that inherit from it.
        related_errors: By errors that operations list: those that they may have in addition.
        about: What the description says in addition, by the id of an operation of the core, or
            `ABOUT_API` or `ABOUT_TOKENS`.
        methods: The HTTP methods that no route of the core has.
    """

    use_cases: Sequence[str] = ()
    controllers: Sequence[type[Controller]] = ()
    administration: Sequence[type[Controller]] = ()
    is_administration: bool = False
    hidden_controllers: Sequence[type[Controller]] = ()
    files: Mapping[str, ServedFile] = MappingProxyType({})
    webhooks: Sequence[str] = ()
    own_pages: Sequence[str] = ()
    pages: Mapping[str, str] = MappingProxyType({})
    operator_kinds: Sequence[OperatorKind] = ()
    errors: Mapping[type[ApiError], ErrorRow] = MappingProxyType({})
    port_errors: Mapping[type[PortError], type[ApiError]] = MappingProxyType({})
    error_table: type[ErrorTable] | None = None
    field_codes: Sequence[str] = ()
    fields: Mapping[type[msgspec.Struct], type[msgspec.Struct]] = MappingProxyType({})
    related_errors: Mapping[type[ApiError], Sequence[type[ApiError]]] = MappingProxyType({})
    about: Mapping[str, str] = MappingProxyType({})
    methods: Sequence[str] = ()

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        app_config.dependencies.update(provide_features(self.use_cases))
        app_config.route_handlers.extend([*self.controllers, *self.hidden_controllers])
        return app_config


def administration_of(additions: Sequence[HttpAdditions]) -> Sequence[type[Controller]]:
    """Return the controllers for operators, if one of the features adds the administration."""
    if not any(addition.is_administration for addition in additions):
        return ()
    return [controller for addition in additions for controller in addition.administration]
