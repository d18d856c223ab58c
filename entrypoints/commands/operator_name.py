"""Who runs a command, as the audit names it."""

import os
import pwd
import re
from typing import Final

from application.administration.caller import Caller, operating_system_user

_USER_NAME: Final = re.compile(r"[\w.@\\+-]{1,64}\$?", re.ASCII)


def find_operator() -> Caller:
    """Return whoever runs this command.

    It is the real user of the process: `LOGNAME` and `USER` are what a caller wishes. `SUDO_USER`
    is shown beside it, because one `root` may be many people.
    """
    name, sudo_user = _real_user(), os.environ.get("SUDO_USER", "")
    is_other = sudo_user != name and _USER_NAME.fullmatch(sudo_user)
    return operating_system_user(name, f"by sudo of {sudo_user}" if is_other else "")


def _real_user() -> str:
    user_id = os.getuid()
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:  # such as in a container
        return f"uid {user_id}"
