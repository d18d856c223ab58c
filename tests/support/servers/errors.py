"""The errors of sources of test servers.

ServerUnavailable               the tests that need the server fail with this message
└── SourceUnavailable           this source has no server; the next source may have one
    └── SourceNotConfigured     the environment names no server, so no message is needed
"""


class ServerUnavailable(Exception):
    """No source has this server."""


class SourceUnavailable(ServerUnavailable):
    """This source cannot run the server."""


class SourceNotConfigured(SourceUnavailable):
    """The environment has no URL of such a server."""
