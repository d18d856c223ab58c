"""What the console has about another feature."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from litestar import Controller

from application.administration.act_for_users import ActForUsers
from application.administration.acts import Act
from application.administration.find_user import UserQuery
from application.administration.operator import Operator
from application.administration.show_user import UserDetails
from application.use_cases import UseCases
from domain.administration.scope import Scope
from entrypoints.http.errors.table import ApiError
from entrypoints.http.features.console.request import ConsoleRequest
from entrypoints.http.responses.served_files import ServedFile


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


NavigationEntry: TypeAlias = tuple[int, str, str, Scope | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolePart:
    """Pages about another feature, and what it adds to the pages of the console.

    `PART` of `entrypoints/http/features/<name>/console/part.py`, a folder that goes with either.

    Attributes:
        templates: The folder of its templates, which have the name of the feature before their own;
            None without any.
        navigation: What the header links: where, the title, the path, and the scope that its pages
            need; None for all staff.
        scope: What an operator needs to see its fields of a user and its section of the first
            page; None for all who see these pages.
        done: What a page says after an act, by the word in its address.
        user_data: What the feature has of a user, which a deletion deletes and an export contains.
        user_fields: The fields that it adds to the details of a user, which need its scope here.
        scripted_paths: Its pages that may load a script of the service. No other page may.
    """

    templates: Path | None = None
    controllers: Sequence[type[Controller]] = ()
    navigation: Sequence[NavigationEntry] = ()
    scope: Scope | None = None
    done: Mapping[str, str] = field(default_factory=dict)
    act_pages: Sequence[ActPage] = ()
    user_data: str = ""
    user_fields: Collection[str] = ()
    files: Mapping[str, ServedFile] = field(default_factory=dict)
    scripted_paths: Collection[str] = ()
    overview_section: str = ""
    describe_overview: Callable[[ConsoleRequest, UseCases], Awaitable[Mapping[str, Any]]] | None = (
        None
    )


def parts_of(request: ConsoleRequest) -> Sequence[ConsolePart]:
    """Return the parts about the features that are installed."""
    parts: Sequence[ConsolePart] = request.app.state.console_parts
    return parts


def shown_parts(request: ConsoleRequest) -> Sequence[ConsolePart]:
    """Return those whose sections the operator may see."""
    operator = request.operator
    return [
        part for part in parts_of(request) if part.scope is None or operator.has_scope(part.scope)
    ]
