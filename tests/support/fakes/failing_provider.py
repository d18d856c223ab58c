"""A provider in memory that fails as the contract suites want it."""

_FAILURES = {
    "away": "unreachable",
    "silent": "no answer",
    "drops": "no answer",
    "refuses": "refused account",
    "well": "",
}


class FailingProvider:
    """`failure` says in which way it fails; it is empty while the provider works."""

    failure = ""

    def provider_is(self, state: str) -> None:
        self.failure = _FAILURES[state]

    def fail_provider(self, status: int) -> None:
        self.failure = f"status {status}"

    def invalidate_number(self) -> None:
        self.failure = "invalid number"
