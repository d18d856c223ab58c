"""What only HTTP can refuse; the errors table knows these beside the domain's."""

from domain.errors import DomainError, FieldsInvalid


class BodyTooLarge(DomainError):
    """The body is longer than a request of its kind ever is."""

    sentence = "The body is too large for this request."


class BodyUnreadable(FieldsInvalid):
    """The body as a whole is not what it has to be."""

    def __init__(self, sentence: str) -> None:
        super().__init__({"body": [sentence]})


class WrongCode(DomainError):
    """The code was wrong, late, used before or never sent; the older app's family only.

    The main family tells this as a success of the request that found the answer wrong.
    """

    sentence = "Invalid OTP"


class PathNotFound(DomainError):
    """There is nothing at this path."""

    sentence = "There is nothing at this path; the API is described at /docs."


class MethodRefused(DomainError):
    """The path exists, but not for this method; `allowed` is the value of `Allow`."""

    sentence = "This path does not take this method."

    def __init__(self, allowed: str) -> None:
        super().__init__()
        self.allowed = allowed


class Unforeseen(DomainError):
    """Something went wrong that nobody thought of."""

    sentence = "Something went wrong here; it has been noted."
