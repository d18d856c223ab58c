"""Reading settings from the environment and `.env`, and showing them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import starmap
from pathlib import Path
from typing import Any, Final, NamedTuple

from domain.errors import InvalidValue
from entrypoints.settings.checks import find_problems, unused_variables
from entrypoints.settings.env_file import read_env_file
from entrypoints.settings.settings import FIELDS, Settings
from entrypoints.settings.unknown import find_unknown, unknown_line
from entrypoints.settings.values import Secret, Variables
from entrypoints.startup_error import StartupError

HIDDEN: Final = "(hidden)"

# Credentials in a URL: before its hosts, and in MongoDB's options.
_LOGIN: Final = re.compile(r"(?<=://)[^/?#]*@")
_SECRET_OPTION: Final = re.compile(
    r"(?<=[?&;])(?P<name>[^=&;]*(?:pass|propert|secret|token|user)[^=&;]*)=[^&;]*", re.IGNORECASE
)


class SettingsError(StartupError):
    """Invalid settings: one line for each problem, none of which contains a value."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Join the lines."""
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Description(NamedTuple):
    """A variable, its value without secrets, and where the value comes from.

    The origin is default, environment or .env.
    """

    name: str
    shown: str
    origin: str


def read_settings(environ: Mapping[str, str], env_file: Path | None) -> Settings:
    """Read and check all settings.

    - The environment overrides `.env`.
    - A variable that is empty, or has only spaces, is not set.
    - Spaces around a value are removed.

    Raises:
        SettingsError: with all problems: those of the file, those of the settings, and then the
            names that are not settings. Without another problem such a name is only a warning.
    """
    file = read_env_file(env_file)
    file_values, environment = _without_empty(file.values), _without_empty(environ)
    values = {**file_values, **environment}
    variables = Variables(
        values=values,
        from_env_file=frozenset(file_values.keys() - environment.keys()),
        unknown=dict(find_unknown(values)),
    )
    settings, problems = _parse(variables)
    for name, problem in find_problems(settings):
        problems.setdefault(name, f"{problem} {_example(name)}")
    if file.problems or problems:
        unknown = starmap(unknown_line, variables.unknown.items())
        raise SettingsError([*file.problems, *_lines(problems, variables), *unknown])
    return settings


def describe(settings: Settings) -> list[Description]:
    """Describe each variable, in the order of the class; secrets are hidden."""
    variables, described = settings.variables, []
    fields = {name: getattr(settings, name) for name, _ in FIELDS.values()}
    for name, (_, declaration) in FIELDS.items():
        text, origin = declaration.default_text(fields), "default"
        if name in variables.values:
            is_secret = isinstance(declaration.unset, Secret)
            text = HIDDEN if is_secret else _hide_credentials(variables.values[name].strip())
            origin = ".env" if name in variables.from_env_file else "environment"
        described.append(Description(name, text, origin))
    return described


def _without_empty(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value.strip()}


def _parse(variables: Variables) -> tuple[Settings, dict[str, str]]:
    """Parse each variable; one with an error has its default in the settings returned.

    So the checks between settings run, and report their problems too, after such an error.
    """
    texts = {name: value.strip() for name, value in variables.values.items() if name in FIELDS}
    unused = unused_variables(texts)
    values: dict[str, Any] = {}
    problems = {}
    for name, (field_name, declaration) in FIELDS.items():
        default = declaration.default_text(values)
        values[field_name] = declaration.parse(default) if default else declaration.unset
        if name in texts and name not in unused:
            try:
                values[field_name] = _parse_text(name, texts[name])
            except InvalidValue as error:
                problems[name] = f"{error.message} {_example(name, texts[name])}"
    return Settings(**values, variables=variables), problems


def _parse_text(name: str, text: str) -> Any:
    # A document may have several lines.
    if not text.isprintable() and name != "DIALTONE_SECRETS":
        raise InvalidValue("Must not contain unprintable characters.")
    return FIELDS[name][1].parse(text)


def _lines(problems: Mapping[str, str], variables: Variables) -> Iterable[str]:
    for name in FIELDS:
        if name in problems:
            place = " (in .env)" if name in variables.from_env_file else ""
            yield f"{name}{place}: {problems[name]}"


def _example(name: str, text: str = "") -> str:
    """Return the example with the scheme of the text, like sqlite:, or the first example."""
    examples = FIELDS[name][1].examples
    scheme = text.partition(":")[0]
    similar = (example for example in examples if example.partition(":")[0] == scheme)
    return f"Example: {name}={next(similar, examples[0])}"


def _hide_credentials(text: str) -> str:
    printable = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
    return _SECRET_OPTION.sub(rf"\g<name>={HIDDEN}", _LOGIN.sub(f"{HIDDEN}@", printable))
