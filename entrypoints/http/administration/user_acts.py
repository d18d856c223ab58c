"""The paths of acts for a user: each row of the table is one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Self

import msgspec
from litestar import Controller, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from application.administration.user_acts import ActCall, FieldRules, UserAct
from application.use_cases import UseCases
from domain.errors import CountryNotServed, InvalidValue
from entrypoints.http.administration.target import TARGET_ERRORS, UserBody, add_target
from entrypoints.http.administration.user_details import SubjectField
from entrypoints.http.errors.exceptions import FieldError, InvalidFields
from entrypoints.http.errors.table import ApiError
from entrypoints.http.fields import described
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parsing import FieldErrors
from entrypoints.http.requests.request import ApiRequest


class ActResponse(msgspec.Struct, kw_only=True):
    """The act was done."""

    message: Annotated[str, described("What was done.", "Phone blocked")]

    @classmethod
    def of(cls, message: str, results: Mapping[str, Any]) -> Self:
        """Return the response with the results that it has."""
        names = [name for name in cls.__struct_fields__ if name != "message"]
        return cls(message=message, **{name: results[name] for name in names})


class UserActionResponse(ActResponse, kw_only=True):
    """The action was done."""

    subject: SubjectField


@dataclass(frozen=True, slots=True, kw_only=True)
class ActPath:
    """The parts of an act's description that its row lacks.

    Attributes:
        operation_id: The name of the method in generated clients.
        body: The user and the reason, with the fields of the row. Other fields are values too.
        errors: The errors that not all acts for a user have.
    """

    operation_id: str
    body: type[UserBody] = UserBody
    response: type[ActResponse] = UserActionResponse
    errors: Sequence[type[ApiError] | FieldError] = ()


def make_act_controller(
    user_acts: Sequence[UserAct], paths: Mapping[str, ActPath]
) -> type[Controller]:
    """Return the controller of these acts. `paths` has one for each, by its name."""
    attributes = {
        "path": "/admin/users",
        "tags": ["Administration"],
        "dependencies": {"use_cases": provide(lambda use_cases: use_cases)},
        "middleware": [AdministrationMiddleware],
        "security": BEARER,
    }
    handlers = [_make_handler(user_act, paths[user_act.name]) for user_act in user_acts]
    named = {handler.handler_name: handler for handler in handlers}
    return type("UserActController", (Controller,), attributes | named)


def _make_handler(user_act: UserAct, path: ActPath) -> HTTPRouteHandler:
    own_fields = [
        name for name in path.body.__struct_fields__ if name not in UserBody.__struct_fields__
    ]

    async def act_for_user(
        self: Controller, request: ApiRequest, use_cases: Injected[UseCases], data: Any
    ) -> Any:
        del self
        values: dict[str, Any] = {name: getattr(data, name) for name in own_fields}
        rules = _rules_of(request)
        with FieldErrors(data) as invalid:
            for field in user_act.fields:
                with invalid.of(field.name):
                    text = values[field.name]
                    values[field.name] = field.parse(field.default if text is None else text, rules)
            target = add_target(request, user_act.act, data, invalid)
        call = ActCall(
            act=use_cases.administration.act_for_users,
            operator=request.operator,
            query=target.query,
            reason=target.reason,
            feature=use_cases.features.get(user_act.feature),
            values=values,
        )
        texts = (field.name for field in user_act.fields if not field.choices)
        # What is wrong is the text that was sent, or else the user.
        with _naming_field(request, next(texts, target.field)):
            results = await user_act.run(call)
        return path.response.of(user_act.describe(results), results)

    act_for_user.__name__ = path.operation_id
    # The framework orders the handlers of a controller by it.
    act_for_user.__qualname__ = f"UserActController.{path.operation_id}"
    act_for_user.__doc__ = "\n\n".join(
        filter(None, [user_act.explains, user_act.for_programs, "{who}."])
    )
    json_body: Any = JSONBody  # mypy takes what is in brackets for a type
    types = {"data": json_body[path.body], "return": path.response}
    act_for_user.__annotations__.update(types)
    decorate: Callable[[Any], HTTPRouteHandler] = post(
        f"/{user_act.name}",
        summary=user_act.title,
        response_description=path.response.__doc__,
        status_code=200,
        act=user_act.act,
        errors=[*TARGET_ERRORS, *path.errors],
    )
    return decorate(act_for_user)


def _rules_of(request: ApiRequest) -> FieldRules:
    settings = request.settings
    return FieldRules(
        username_rules=settings.identities.username_rules,
        default_region=settings.otp.default_region,
        phone_rules=settings.otp.phone_rules,
    )


@contextmanager
def _naming_field(request: ApiRequest, field: str) -> Iterator[None]:
    """Let an error of a value name the field; raises InvalidFields."""
    try:
        yield
    except (InvalidValue, CountryNotServed) as error:
        raise InvalidFields(request.errors.to_field_error(field, error)) from error
