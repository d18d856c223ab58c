"""What a port may raise, whatever technology is behind it.

ConfigurationError                while an adapter is opened
PortError                afterwards
├── StorageUnavailable     the database did not answer, or did not take a write
├── CorruptRecord        a stored record cannot be read
├── MediaStorageUnavailable     the media store did not answer, or did not take a file
├── MessengerUnavailable    the sender would not take a message now
├── UniqueViolation        another identity holds this name
└── InvalidToken      not a token of ours, or one whose time is over

The text of a PortError is for the log of operators: it names the cause without a phone number,
a code, a token or a body.
"""


class ConfigurationError(Exception):
    """What is to be opened cannot be used: one sentence why, and the way out.

    Raised while an adapter is opened; the text is for the operator and holds no secret.
    """


class PortError(Exception):
    """Something outside did not do what was asked of it."""


class StorageUnavailable(PortError):
    """The database did not answer, or did not take a write.

    Whether a write was done is known only where the database said no; after a time-out it may
    have been, so only what a repeat does not harm may be tried again.
    """


class CorruptRecord(PortError):
    """A stored record cannot be read: damaged, or encrypted with a key that is not available."""


class MediaStorageUnavailable(PortError):
    """The media store did not answer, or did not take a file."""


class MessengerUnavailable(PortError):
    """The sender of messages would not take one now."""


class UniqueViolation(PortError):
    """Another identity holds this name; nothing was written."""


class InvalidToken(PortError):
    """Not a token of ours, or one whose time is over."""
