"""The errors of test servers."""


class ServerUnavailable(Exception):
    """No source has this server. The tests that need it fail with this message."""


class SourceUnavailable(ServerUnavailable):
    """This source cannot run the server; the next one may. No message: it is not configured."""
