"""The bind address, a value that is imported without the settings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bind:
    """Host and port that the server listens on; an IPv6 host has no brackets here."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local_url(self) -> str:
        return f"http://{Bind(self.local_host, self.port)}"

    @property
    def local_host(self) -> str:
        is_every_interface = self.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
        return "127.0.0.1" if is_every_interface else self.host
