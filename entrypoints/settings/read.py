"""Reading settings from the environment and `.env`, and showing them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import starmap
from pathlib import Path
from typing import Any, Final, NamedTuple

from domain.errors import InvalidValue
from entrypoints.opening.startup_error import SettingsError, StartupError
from entrypoints.settings.checks import find_problems, is_production, unused_variables
from entrypoints.settings.composition import (
    FIELDS,
    FILE_VARIABLES,
    INSTALLED,
    VARIABLES,
    Composition,
)
from entrypoints.settings.declaration import PREFIX
from entrypoints.settings.env_file import read_env_file
from entrypoints.settings.secret_files import both_set, read_secret_file, read_secret_files
from entrypoints.settings.settings import InvalidSetting, PartialSettings, Settings
from entrypoints.settings.values import HIDDEN, Secret, Variables

# Credentials in a URL: before its hosts, and in MongoDB's options.
_LOGIN: Final = re.compile(r"(?<=://)[^/?#]*@")
_SECRET_OPTION: Final = re.compile(
    r"(?<=[?&;])(?P<name>[^=&;]*(?:pass|propert|secret|token|user)[^=&;]*)=[^&;]*", re.IGNORECASE
)


class Description(NamedTuple):
    """A variable, its value without secrets, and where the value comes from.

    The origin is default, environment or .env.
    """

    name: str
    shown: str
    origin: str


def read_settings(
    environ: Mapping[str, str],
    env_file: Path | None,
    file_checks: Iterable[Callable[[Settings], object]] = (),
    composition: Composition = INSTALLED,
) -> Settings:
    """Read and check all settings; `settings.of` has those of a feature.

    - The environment overrides `.env`.
    - A variable that is empty, or has only spaces, is not set.
    - Spaces around a value are removed.
    - A secret may be in a file that another variable names; see `read_secret_files`.

    Args:
        environ: The environment.
        env_file: The path of the `.env` file.
        file_checks: Load what settings name. They raise `StartupError`, also a line each.
        composition: The features whose settings are read, by default all that are installed.

    Raises:
        SettingsError: with all problems: those of the file, those of the settings, those of the
            file checks, and then the names that are not settings. Without another problem such a
            name is only a warning.
    """
    in_file, problems = read_env_file(env_file) if env_file else ({}, [])
    file_values, environment = _without_empty(in_file), _without_empty(environ)
    values = {**file_values, **environment}
    texts, files, unread = read_secret_files(values, composition)
    from_env_file = frozenset(file_values.keys() - environment.keys())
    variables = Variables({**values, **texts}, from_env_file, files)
    settings = composition.begin(variables)
    invalid = _parse(settings, unread, composition)
    for name in filter(invalid.__contains__, composition.fields):
        variable, problem = invalid[name]
        place = " (in .env)" if variable in from_env_file else ""
        problems.append(f"{variable}{place}: {problem}")
    for check in file_checks:
        try:
            check(settings)
        except InvalidSetting:
            pass  # it needs the value of an invalid variable
        except StartupError as error:
            problems.append(str(error))
    if problems:
        unknown = starmap(unknown_line, find_unknown(values))
        raise SettingsError("\n".join([*problems, *unknown]))
    return composition.complete(settings)


def find_text(variables: Variables, name: str) -> str:
    """Return the text of a variable that a command names; empty without one.

    It may be in a file, like that of a setting: `NAME_FILE` is the path of the file for `NAME`.

    Raises:
        SettingsError: Both are set, or the file cannot be used.
    """
    values, file_variable = variables.values, FILE_VARIABLES.get(name, f"{name}_FILE")
    text = values.get(name, "").strip()
    if file_variable not in values or name in variables.files:
        try:
            _check_text(text)
        except InvalidValue as error:
            raise SettingsError(f"{name}: {error.message}") from None
        return text
    if text:
        raise SettingsError(f"{name}: {both_set(file_variable)}")
    is_strict = is_production(values)
    try:
        _, line = read_secret_file(file_variable, values[file_variable], is_strict=is_strict)
    except InvalidValue as error:
        raise SettingsError(f"{file_variable}: {error.message}") from None
    return line.strip()


def describe_settings(settings: Settings) -> list[Description]:
    """Describe each variable, in the order of the class; secrets are hidden."""
    variables, described = settings.variables, []
    for name, (field_name, declaration) in FIELDS.items():
        text, origin = declaration.default_text(settings), "default"
        file, file_variable = variables.files.get(name), FILE_VARIABLES.get(name, "")
        if name in variables.values:
            text = _hide_credentials(variables.values[name].strip())
            if declaration.show is not None:
                text = declaration.show(getattr(settings, field_name))
            elif isinstance(declaration.unset, Secret):
                text = HIDDEN
            origin = ".env" if name in variables.from_env_file else "environment"
        if file_variable in variables.values:
            # The file of a vendor that is not used was not read.
            text = HIDDEN if file is None else f"{text} (file {file.path})"
            origin = ".env" if file_variable in variables.from_env_file else "environment"
        described.append(Description(name, text, origin))
    return described


def _without_empty(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value.strip()}


def _parse(
    settings: PartialSettings,
    unread: Mapping[str, tuple[str, str]],
    composition: Composition,
) -> dict[str, tuple[str, str]]:
    """Give each field its value; return the problem of each setting that has one.

    Args:
        settings: Get the values.
        unread: Settings whose text could not be read, each with the variable and the problem.
        composition: Has their declarations and rules.

    Returns:
        The variable that is wrong, and the problem, by the variable of the setting.
    """
    values = settings.variables.values
    texts = {name: values[name].strip() for name in composition.fields if name in values}
    for name in unused_variables(texts, composition):
        texts.pop(name, None)
    problems = dict(unread)
    for name, (field_name, declaration) in composition.fields.items():
        if name in unread:
            continue
        try:
            text = texts.get(name) or declaration.default_text(settings)
            settings.set(field_name, _parse_text(name, text) if text else declaration.unset)
        except InvalidSetting:
            pass  # the default depends on an invalid variable
        except InvalidValue as error:
            problems[name] = _problem(settings, name, error.message)
    for problem in find_problems(settings, composition.features):
        problems.setdefault(problem.variable, _problem(settings, *problem))
    return problems


def _problem(
    settings: Settings, name: str, text: str, example: str | None = None
) -> tuple[str, str]:
    """Return the variable that is wrong, which may name a file, and the problem."""
    line = _example_line(name, settings, example)
    if file := settings.variables.files.get(name):
        in_file = line.removeprefix(f"Example: {name}=")
        # A command of the shell is not what the file contains.
        shown = f"Example: echo {in_file}" if "$(" in in_file else f"Example of its text: {in_file}"
        return file.variable, f"In {file.path}: {text} {shown}"
    return name, f"{text} {line}"


def _check_text(text: str) -> None:
    """Check that the text is not what another program made of the value, or of no value."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        raise InvalidValue(
            "Must not be in quotes: the shell and .env remove them, but `docker --env-file` and "
            "some other programs keep them."
        )
    if text.lower() == "null" or text == "None":
        raise InvalidValue(
            "Must not be the null or None of another program: leave the variable out, or set it to "
            "a value."
        )


def _parse_text(name: str, text: str) -> Any:
    _check_text(text)
    _, declaration = FIELDS[name]
    if not text.isprintable() and not declaration.has_lines:
        raise InvalidValue("Must not contain unprintable characters.")
    return declaration.parse(text)


def _example_line(name: str, settings: Settings, text: str | None) -> str:
    """Return the line with a text that is valid for the variable; without one, with its example."""
    shown = FIELDS[name][1].example_text(settings) if text is None else text
    return f"Example: {name}={shown}"


def unknown_line(name: str, similar: str | None) -> str:
    """Return the line about a name that is not a setting."""
    advice = "Remove it." if similar is None else f"Did you mean {similar}?"
    return f"{name}: This is not a setting. {advice}"


def find_unknown(names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Yield each name with our prefix that is not a setting, and a setting with a similar name."""
    # Without the prefix, which would make any two names similar.
    short_names = {known.removeprefix(PREFIX): known for known in VARIABLES}
    for name in sorted(names):
        short_name = name.upper().removeprefix(PREFIX)
        if name.upper().startswith(PREFIX) and name not in VARIABLES:
            similar = get_close_matches(short_name, short_names, n=1, cutoff=0.7)
            yield name, short_names[similar[0]] if similar else None


def find_unused(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield each variable that is set and has no effect with the other settings, and why."""
    not_read = unused_variables(settings.variables.values, INSTALLED)
    for name, (_, declaration) in FIELDS.items():
        if declaration.unused is None or not settings.is_set(name) or name in not_read:
            continue
        if reason := declaration.unused(settings):
            yield name, reason


def unused_line(name: str, reason: str) -> str:
    """Return the line about a setting that has no effect."""
    return f"{name}: This has no effect, because {reason}. Remove it."


def _hide_credentials(text: str) -> str:
    printable = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
    return _SECRET_OPTION.sub(rf"\g<name>={HIDDEN}", _LOGIN.sub(f"{HIDDEN}@", printable))
