"""Print `.env.example`: `python -m entrypoints.settings > .env.example`."""

import inspect
import sys
from typing import Final

from entrypoints.settings.composition import FIELDS, AllSettings

_HEAD: Final = """\
# All settings with their defaults. Copy this file to .env, and remove the # before a setting to
# change it. An empty value means "not set". The environment overrides this file.
# A secret can be in a file: the variable that ends with _FILE is its path, see docs/keys.md.
# A limit such as 60/1h is at most 60 in any hour; each overrides that of DIALTONE_LIMITS.
"""

parts, heading = [_HEAD], ""
for variable, (field_name, declaration) in FIELDS.items():
    [owner] = [each for each in AllSettings.__mro__ if field_name in inspect.get_annotations(each)]
    title, _, _ = (owner.__doc__ or "").partition("\n")
    if title != heading:
        heading = title
        parts.append(f"#\n# {heading}\n#\n")
    lines = [f"# {declaration.description}", f"#{variable}={declaration.default}"]
    if declaration.file_variable:
        lines.append(f"#{declaration.file_variable}=")
    parts.append("\n".join([*lines, ""]))
sys.stdout.write("\n".join(parts))
