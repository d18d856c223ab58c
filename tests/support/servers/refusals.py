"""Why a server could not be had, in words for whoever runs the tests.

NoServer                the run fails and says what to do
└── Unavailable         this source does not serve; the next one may
    └── NotAskedFor     nobody set it up: nothing worth telling
"""


class NoServer(Exception):
    """There is no server, and a test that needs one fails with these words."""


class Unavailable(NoServer):
    """This source cannot serve here, for this reason."""


class NotAskedFor(Unavailable):
    """This source serves only who names servers."""
