"""A provider in memory that fails as the contract suites want it."""


class FailingProvider:
    """`failure` says in which way it fails; it is empty while the provider works."""

    failure = ""

    def break_provider(self) -> None:
        self.failure = "unreachable"

    def hang_provider(self) -> None:
        self.failure = "no answer"

    drop_provider = hang_provider

    def fail_provider(self, status: int) -> None:
        self.failure = f"status {status}"

    def invalidate_number(self) -> None:
        self.failure = "invalid number"

    def mend_provider(self) -> None:
        self.failure = ""
