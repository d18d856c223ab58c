"""The file descriptor limit of the process, and how many connections it allows."""

import resource
from typing import Final

import structlog

from application.limits.file_reads import MAX_READS

MAX_CONNECTIONS: Final = 16_384
"""Open connections per worker. More wait in the backlog of the listening socket."""
_RESERVED: Final = 512 + MAX_READS
"""Descriptors for database, media store, temporary files and everything else."""
_MIN_CONNECTIONS: Final = 64

_log = structlog.get_logger()


def raise_descriptor_limit() -> None:
    """Raise the soft limit as far as it is needed and allowed; warn if that is not enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + _RESERVED
    if _is_enough(soft, wanted):
        return
    limit = wanted if _is_enough(hard, wanted) else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    if limit < wanted:
        _log.warning(
            "descriptor_limit_low",
            limit=limit,
            consequence=f"a worker serves at most {max_connections()} connections",
            fix=f"raise the hard limit: ulimit -Hn {wanted}, LimitNOFILE={wanted} (systemd) or "
            f"--ulimit nofile={wanted} (docker run)",
        )


def max_connections() -> int:
    """Return how many connections one worker may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _is_enough(soft, MAX_CONNECTIONS + _RESERVED):
        return MAX_CONNECTIONS
    return max(_MIN_CONNECTIONS, soft - min(_RESERVED, soft // 2))


def _is_enough(limit: int, wanted: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= wanted
