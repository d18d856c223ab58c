"""The operator who runs a command, as the audit names them."""

import os
import pwd
import re
import socket
from typing import Final

from application.administration.operator import Operator, operating_system_user
from domain.administration.audit import parse_actor_name
from entrypoints.commands.shared.parsing import name_option

_USER_NAME: Final = re.compile(r"[\w.@\\+-]{1,64}\$?", re.ASCII)
_HOST_NAME: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)


def parse_operator(acts_as: str | None) -> Operator:
    """Return who acts by a command: `--as`, or the system's user."""
    if acts_as is None:
        return find_operator()
    with name_option("--as"):
        return find_operator(parse_actor_name(acts_as))


def find_operator(name: str | None = None) -> Operator:
    """Return the operator who runs this command.

    It is the real user of the process: anybody can set `LOGNAME` and `USER`. `SUDO_USER`
    is shown beside it, because one `root` may be many people. With a name, the user and its machine
    are shown beside that, such as `root@web-1`.
    """
    user, sudo_user = _real_user(), os.environ.get("SUDO_USER", "")
    is_other = sudo_user != user and _USER_NAME.fullmatch(sudo_user)
    by_sudo = f"by sudo of {sudo_user}" if is_other else ""
    if not name:
        return operating_system_user(user, by_sudo)
    return operating_system_user(name, f"{user}{_at_host()} {by_sudo}".rstrip())


def _real_user() -> str:
    user_id = os.getuid()
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:  # such as in a container
        return f"uid {user_id}"


def _at_host() -> str:
    host = socket.gethostname()
    return f"@{host}" if _HOST_NAME.fullmatch(host) else ""
