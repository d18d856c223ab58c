"""Load the extensions that `DIALTONE_EXTENSIONS` names, and check what each declares."""

import dataclasses
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

from adapters.records.extension_kinds import find_kind_problem
from adapters.records.record_kind import RecordKind
from domain.errors import InvalidValue
from entrypoints.extensions.extension import EXTENSION_API, Extension
from entrypoints.opening.factories import load_object
from entrypoints.opening.startup_error import StartupError
from entrypoints.settings.database_parsers import parse_extensions
from entrypoints.settings.declaration import PREFIX, declared
from entrypoints.settings.values import Factory

MAX_NAME_LENGTH: Final = 32
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]*")
_INSIDES: Final = (
    "entrypoints.features",
    "entrypoints.settings.composition",
    "adapters.records.kinds",
)
"""Modules that are made of all extensions, so none of these may import them."""


def load_named(text: str, variable: str) -> Sequence[Extension]:
    """Load the extensions that the text of the variable names.

    Raises:
        StartupError: The text is not valid, or one of them cannot be used.
    """
    try:
        factories = parse_extensions(text)
    except InvalidValue as error:
        raise StartupError(f"{variable}: {error.message}") from None
    loaded = [_load(factory, variable) for factory in factories]
    _check_names([extension.name for extension in loaded], variable)
    return loaded


def _load(factory: Factory, variable: str) -> Extension:
    before = {*sys.modules}
    extension, place = load_object(factory, variable), f"{variable}: {factory.path}"
    if imported := [name for name in _INSIDES if name in sys.modules.keys() - before]:
        raise StartupError(
            f"{place} imports {imported[0]} of Dialtone, which is not for extensions. "
            "docs/extensions.md lists what is."
        )
    if not isinstance(extension, Extension):
        hint = ": name an object of it" if isinstance(extension, type) else ""
        raise StartupError(
            f"{place} is not an extension, but {_describe_type(extension)}{hint}. "
            "See docs/extensions.md."
        )
    try:
        problem = next(_find_problems(extension), None)
    except Exception as error:  # its attributes may be anything
        raise StartupError(f"{place} cannot be used ({type(error).__name__}).") from error
    if problem:
        raise StartupError(f"{place} cannot be used. {problem}")
    return extension


def _describe_type(found: object) -> str:
    return f"the class {found.__name__}" if isinstance(found, type) else f"a {type(found).__name__}"


def _find_problems(extension: Extension) -> Iterator[str]:
    """Yield what is wrong with an extension, one sentence each; what follows depends on it."""
    api = getattr(extension, "api", None)
    if api != EXTENSION_API:
        yield (
            f"Its attribute `api` says that it was written for version {api} of the interface of "
            f"extensions, and this program has version {EXTENSION_API}: install a version of the "
            "extension for that."
        )
    name = getattr(extension, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > MAX_NAME_LENGTH:
        yield (
            "Its attribute `name` must be lower-case letters and digits in parts that are joined by"
            f" underscores, at most {MAX_NAME_LENGTH} characters, such as acme_profile."
        )
    yield from _find_problems_of_settings(extension.settings)
    if not _is_tuple_of(extension.data, str):
        yield "Its attribute `data` must be a tuple of texts."
    if not _is_tuple_of(extension.kinds, RecordKind):
        yield "Its attribute `kinds` must be a tuple of RecordKind."
    for kind in extension.kinds:
        if problem := find_kind_problem(kind, extension.name):
            yield f"Its records {kind.name}: {problem}"
    names = [kind.name for kind in extension.kinds]
    names += [index.name for kind in extension.kinds for index in kind.indexes]
    if len({*names}) < len(names):
        yield "Two of its kinds of records, or of their indexes, have the same name."


def _find_problems_of_settings(settings: Any) -> Iterator[str]:
    if settings is None:
        return
    if not isinstance(settings, type) or not dataclasses.is_dataclass(settings):
        yield "Its attribute `settings` must be a dataclass."
        return
    fields = {field.name for field in dataclasses.fields(settings)}
    if fields != {field for field, _ in declared(settings).values()}:
        yield "All fields of its settings must be setting(…) or secret(…)."
    if not all(map(_FIELD.fullmatch, fields)):
        yield "The fields of its settings must have names of lower-case letters."
    variables = {name: declaration for name, (_, declaration) in declared(settings).items()}
    files = {declaration.file_variable(name) for name, declaration in variables.items()}
    if taken := files & variables.keys():
        field = taken.pop().removeprefix(PREFIX).lower()
        yield f"Its setting {field} has the name of the file of a secret."


def _is_tuple_of(value: object, expected: type) -> bool:
    return isinstance(value, tuple) and all(isinstance(each, expected) for each in value)


def _check_names(names: Sequence[str], variable: str) -> None:
    """Check that no extension has the name of another one, or one that begins with it.

    The variables of `acme` could otherwise be those of `acme_profile`.
    """
    for number, name in enumerate(names):
        for other in (*names[:number], *names[number + 1 :]):
            if name == other:
                raise StartupError(f"{variable}: two extensions have the name {name}.")
            if name.startswith(f"{other}_"):
                raise StartupError(
                    f"{variable}: the extensions {other} and {name} cannot be used together, "
                    "because one name begins with the other: their variables could be the same."
                )
