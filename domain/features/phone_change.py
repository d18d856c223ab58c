"""Errors of changes of the number."""

from domain.errors import ReauthenticationRequired


class OldOtpRequired(ReauthenticationRequired):
    """A user changes the number with a code of the present one too, however fresh the login is."""
