"""Errors of passkeys."""

from domain.errors import DomainError


class PasskeyRejected(DomainError):
    """No staff signs in with this. Strangers are not told why; the security event says it."""


class SignCountFell(PasskeyRejected):
    """The passkey is right, but was used before elsewhere: its authenticator may have a copy."""


class ChallengeNotValid(DomainError):
    """The challenge was used, is older than five minutes, or is for something else."""


class InvitationNotValid(DomainError):
    """The link was used, is too old, or void: a role or all sessions ended meanwhile."""


class PasskeysNotPossible(DomainError):
    """There can be no passkeys with these settings; the message says why."""


class NotStaff(DomainError):
    """The account has no role, is blocked, or has a test OTP."""


class TooManyPasskeys(DomainError):
    """The identity has as many passkeys as it may."""


class PasskeyExists(DomainError):
    """The identity has this passkey."""


class LastPasskey(DomainError):
    """It is the only passkey of somebody who needs one."""


class PasskeyNotFound(DomainError):
    """The identity has no such passkey."""
