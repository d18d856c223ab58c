"""Print `.env.example`: `python -m entrypoints.composition.env_example > .env.example`."""

import inspect
import sys
from typing import Final

from entrypoints.composition.settings import FIELDS, AllSettings

_HEAD: Final = """\
# All settings with their defaults. Copy this file to .env, and remove the # before a setting to
# change it. An empty value means "not set". The environment overrides this file.
# Each secret, and each URL that may have one, can be in a file: NAME_FILE is the path of the file
# for the variable NAME, as in TWILIO_AUTH_TOKEN_FILE=/run/secrets/token, see docs/keys.md.
# A limit such as 60/1h is at most 60 in any hour; each overrides that of DIALTONE_LIMITS.
"""


def render_example() -> str:
    """Render all settings with their defaults."""
    parts, heading = [_HEAD], ""
    for variable, declaration in FIELDS.items():
        [owner] = [
            each
            for each in AllSettings.__mro__
            if declaration.field in inspect.get_annotations(each)
        ]
        title, _, _ = (owner.__doc__ or "").partition("\n")
        if title != heading:
            heading = title
            parts.append(f"#\n# {heading}\n#\n")
        parts.append(f"# {declaration.description}\n#{variable}={declaration.default}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(render_example())
