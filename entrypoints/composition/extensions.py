"""The features of installed packages that `DIALTONE_EXTENSIONS` names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from domain.errors import InvalidValue
from entrypoints.settings.startup_error import SettingsError, StartupError

if TYPE_CHECKING:
    from entrypoints.features.feature import Feature

VARIABLE: Final = "DIALTONE_EXTENSIONS"
_NAMED: Final = list[str]()
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_CORE_NAMES: Final = ("limits", "otp", "details")


def name_extensions(environ: Mapping[str, str]) -> None:
    """Note which extensions the environment or `.env` names."""
    _NAMED.clear()
    if VARIABLE not in environ and not Path(".env").exists():
        return
    from entrypoints.settings.env_file import ENV_FILE, read_env_file

    # Problems of the file are reported with those of all settings.
    in_file = read_env_file(ENV_FILE).values
    if text := environ.get(VARIABLE, "").strip() or in_file.get(VARIABLE, "").strip():
        _NAMED.append(text)


def load_extensions(features: "Sequence[Feature[Any]]") -> "Sequence[Feature[Any]]":
    """Load the extensions that were named. Without any, nothing is imported.

    Raises:
        SettingsError: The text is not valid, or one of them cannot be used: one line.
    """
    extensions: list[Feature[Any]] = []
    for text in _NAMED:
        from entrypoints.parts.factories import load_object
        from entrypoints.settings.adapter_parsers import parse_factory
        from entrypoints.settings.parsers import list_of

        try:
            named = list_of(parse_factory)(text)
        except InvalidValue as error:
            raise SettingsError(
                f"{VARIABLE}: {error.message} Example: {VARIABLE}=acme_notes.feature:ACME_NOTES"
            ) from None
        for factory in named:
            try:
                extension = load_object(factory, VARIABLE)
            except StartupError as error:
                raise SettingsError(str(error)) from error
            for problem in _find_problems(extension, [*features, *extensions]):
                raise SettingsError(f"{VARIABLE}: {factory.path} {problem}")
            extensions.append(extension)
    return extensions


def _find_problems(extension: Any, others: "Sequence[Feature[Any]]") -> Iterator[str]:
    from adapters.databases.records.kind_checks import find_kind_problem
    from adapters.databases.records.record_kind import RecordKind
    from entrypoints.features.feature import Feature
    from entrypoints.settings.declaration import declared
    from entrypoints.settings.settings import Settings

    if isinstance(extension, type):
        yield f"is the class {extension.__name__}: name an object of it."
    if not isinstance(extension, Feature):
        yield (
            f"is no Feature (its type is {type(extension).__name__}): name an object of a subclass "
            "of entrypoints.features.feature.Feature."
        )
    name = getattr(extension, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield "has no `name` of lower-case letters, digits and underscores: give it one."
    if name in {*_CORE_NAMES, *(feature.name for feature in others)}:
        yield f"has a name that is taken, {name}: give it a name of its own."
    if not iscoroutinefunction(extension.open):
        yield (
            "has an `open` that is no coroutine: take `@asynccontextmanager` and `yield` away, and "
            "enter what has to be closed in `composition.stack`."
        )
    if missing := sorted({*extension.needs} - {feature.name for feature in others}):
        yield f"needs the feature {missing[0]}, which is not there: take it out of `needs`."
    try:
        declared(extension.settings or Settings)
    except (NameError, TypeError, SettingsError) as error:
        yield f"has settings that cannot be read: {error}"
    kinds = extension.kinds
    if not isinstance(kinds, tuple) or not all(isinstance(kind, RecordKind) for kind in kinds):
        yield "has no tuple of RecordKind as its `kinds`: make it one."
    for kind in kinds:
        if problem := find_kind_problem(kind):
            yield f"cannot have the records {kind.name}: {problem}"
    taken = {used for feature in others for kind in feature.kinds for used in _names_of(kind)}
    names = [used for kind in kinds for used in _names_of(kind)]
    for used in names:
        if used in taken or names.count(used) > 1:
            yield f"has another kind of records or index with the name {used}: rename one."


def _names_of(kind: Any) -> Sequence[str]:
    return (kind.name, *(index.name for index in kind.indexes))
