"""A handler gets the use cases that its parameter says: the framework compares names only."""

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from litestar import Controller
from litestar.handlers import HTTPRouteHandler

from application.use_cases import UseCases
from tests.support.app_harness import AppHarness
from tests.support.http_settings import make_http_additions, make_http_settings


def handlers_of(controller: type[Controller]) -> Iterator[HTTPRouteHandler]:
    for attribute in vars(controller).values():
        if isinstance(attribute, HTTPRouteHandler):
            yield attribute


def find(use_cases: UseCases, path: str) -> Any:
    feature, _, attribute = path.partition(".")
    found = use_cases.features[feature]
    return getattr(found, attribute) if attribute else found


def test_what_a_handler_names_has_the_type_of_its_parameter() -> None:
    use_cases, compared = AppHarness().use_cases, 0
    for addition in make_http_additions(make_http_settings()):
        provided = {path.rpartition(".")[2]: path for path in addition.use_cases}
        controllers = (
            *addition.controllers,
            *addition.administration,
            *addition.hidden_controllers,
        )
        for handler in (each for one in controllers for each in handlers_of(one)):
            for name, hint in get_type_hints(handler.fn, include_extras=True).items():
                path = provided.get(name)
                if path is None or path.partition(".")[0] not in use_cases.features:
                    continue
                found = find(use_cases, path)
                if found is not None:
                    assert isinstance(found, get_args(hint)[0]), (handler.handler_name, name)
                    compared += 1
    assert compared > 20
