"""What the console has about another feature."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from litestar import Controller

from application.use_cases import UseCases
from domain.administration.scope import Scope
from entrypoints.http.features.console.act import ActPage
from entrypoints.http.features.console.request import ConsoleRequest
from entrypoints.http.responses.served_files import ServedFile

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
