"""What only HTTP can refuse; the errors table knows these beside the domain's."""

from domain.errors import DomainError, InvalidFields


class BodyTooLarge(DomainError):
    """The body is longer than a request of its kind ever is."""

    message = "The body is too large for this request."


class BodyUnreadable(InvalidFields):
    """The body as a whole is not what it has to be."""

    def __init__(self, message: str) -> None:
        super().__init__({"body": [message]})


class WrongCode(DomainError):
    """The code was wrong, late, used before or never sent; the older app's family only.

    The main family tells this as a success of the request that found the answer wrong.
    """

    message = "Invalid OTP"


class PathNotFound(DomainError):
    """There is nothing at this path."""

    message = "There is nothing at this path; the API is described at /docs."


class MethodRefused(DomainError):
    """The path exists, but not for this method; `allowed` is the value of `Allow`."""

    message = "This path does not take this method."

    def __init__(self, allowed: str) -> None:
        super().__init__()
        self.allowed = allowed


class Unforeseen(DomainError):
    """Something went wrong that nobody thought of."""

    message = "Something went wrong here; it has been noted."
