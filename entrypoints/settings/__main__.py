"""Print `.env.example`: `python -m entrypoints.settings > .env.example`."""

import sys
from itertools import groupby
from typing import Final

from entrypoints.settings.composition import FIELDS, FILE_VARIABLES, AllSettings
from entrypoints.settings.declaration import descriptions

_HEAD: Final = """\
# All settings with their defaults. Copy this file to .env, and remove the # before a setting to
# change it. An empty value means "not set". The environment overrides this file.
# A secret can be in a file: the variable that ends with _FILE is its path, see docs/secrets.md.
# A limit such as 60/1h is at most 60 in any hour; each overrides that of DIALTONE_LIMITS.
"""

described, parts = descriptions(AllSettings), [_HEAD]
for group, fields in groupby(FIELDS.items(), lambda item: item[1][1].group):
    parts.append(f"#\n# {group}\n#\n")
    for variable, (name, declaration) in fields:
        parts.append(f"# {described[name]}\n#{variable}={declaration.default}\n")
        if file_variable := FILE_VARIABLES.get(variable):
            parts[-1] += f"#{file_variable}=\n"
sys.stdout.write("\n".join(parts))
