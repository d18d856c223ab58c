"""Taking one variable after another, and remembering everything that is wrong."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from domain.errors import ValueRefused
from entrypoints.settings.env_file import EnvFile
from entrypoints.settings.kinds import Given, Origin, UnknownName
from entrypoints.settings.not_yet import NOT_YET, refusal_of
from entrypoints.settings.table import VARIABLES
from entrypoints.settings.variable import Variable

T = TypeVar("T")
PREFIX = "DIALTONE_"


class Values:
    """What environment and `.env` set; an empty value sets nothing."""

    def __init__(self, environ: Mapping[str, str], env_file: EnvFile) -> None:
        self.given: dict[str, Given] = {}
        self.problems = list(env_file.problems)
        self._wrong: set[str] = set()
        self._set = {
            name: Given(value.strip(), origin)
            for origin, values in (
                (Origin.ENV_FILE, env_file.values),
                (Origin.ENVIRONMENT, environ),
            )
            for name, value in values.items()
            if value.strip()
        }

    def take(self, variable: Variable[T], default: str | None = None) -> T:
        """Give the value; of one that is refused the default, and the refusal is kept."""
        usual = Given(variable.default if default is None else default, Origin.DEFAULT)
        given = self._set.get(variable.name, usual)
        self.given[variable.name] = given
        try:
            if not given.text.isprintable():
                raise ValueRefused("It holds characters that cannot be printed.")
            return variable.read(given.text)
        except ValueRefused as refusal:
            example = f"Example: {variable.name}={variable.example}"
            self.refuse(variable, f"{refusal.sentence} {example}")
            return variable.read(usual.text)

    def refuse(self, variable: Variable[Any], sentence: str) -> None:
        """Keep what is wrong with a variable; only the first thing of each counts."""
        if variable.name in self._wrong:
            return
        self._wrong.add(variable.name)
        self.problems.append(f"{self._named(variable.name)}: {sentence}")

    def refuse_what_is_not_there_yet(self) -> None:
        """Keep that a variable is set whose part this version does not have."""
        self.problems.extend(
            f"{self._named(name)}: {refusal_of(name)}" for name in NOT_YET if name in self._set
        )

    def unknown(self) -> tuple[UnknownName, ...]:
        """The names that look like ours, and what may have been meant by each."""
        known = {variable.name for variable in VARIABLES} | {
            name for name in NOT_YET if name.startswith(PREFIX)
        }
        return tuple(
            UnknownName(name, _closest(name, known))
            for name in sorted(self._set)
            if name.upper().startswith(PREFIX) and name not in known
        )

    def _named(self, name: str) -> str:
        given = self._set.get(name)
        is_in_file = given is not None and given.origin is Origin.ENV_FILE
        return f"{name} (in .env)" if is_in_file else name


def _closest(name: str, known: set[str]) -> str | None:
    # Without the prefix, which makes any two of our names look alike.
    shorts = {one.removeprefix(PREFIX): one for one in known}
    close = get_close_matches(name.upper().removeprefix(PREFIX), shorts, n=1)
    return shorts[close[0]] if close else None
