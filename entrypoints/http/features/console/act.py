"""An act for a user, and what it needs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from application.administration.act_for_users import ActForUsers
from application.administration.acts import Act
from application.administration.find_user import UserQuery
from application.administration.operator import Operator
from application.administration.show_user import UserDetails
from application.use_cases import UseCases
from entrypoints.http.errors.table import ApiError
from entrypoints.http.features.console.request import ConsoleRequest


@dataclass(frozen=True, slots=True)
class ActCall:
    """What an act needs: the use cases, who acts for whom and why, and the other fields.

    Attributes:
        values: The values of the fields that `ActPage.parse` parses.
        form: All fields, as they were filled in.
    """

    request: ConsoleRequest
    use_cases: UseCases
    query: UserQuery
    reason: str
    values: Mapping[str, Any]
    form: Mapping[str, str]

    @property
    def operator(self) -> Operator:
        return self.request.operator

    @property
    def act(self) -> ActForUsers:
        return self.use_cases.administration.act_for_users


@dataclass(frozen=True, slots=True, kw_only=True)
class ActPage:
    """The pages of an act for a user: one that asks, and one after it.

    Attributes:
        title: The heading of its page, and the text of its link and its button.
        run: Does it, and returns what the next page says, as a key of `DONE`. None where the
            response is no page.
        text: The template of what happens, where that of acts does not say it.
        parse: What parses each of its fields. All errors are shown together.
        fields: The template of its fields, where that of acts does not have them.
        stays: Whether the page stays, because the response is a file.
    """

    act: Act
    title: str
    is_offered: Callable[[UserDetails], bool]
    run: Callable[[ActCall], Awaitable[str]] | None
    is_dangerous: bool = False
    text: str = ""
    parse: Mapping[str, Callable[[ConsoleRequest, str], object]] = field(default_factory=dict)
    fields: str = ""
    stays: bool = False
    errors: Mapping[type[ApiError], str] = field(default_factory=dict)
