"""A mongod that is no member of a replica set."""

from tests.support.servers.mongo_process import MongoProcess


class StandaloneMongo(MongoProcess):
    """What many begin with: one process, no replica set; perhaps with users."""

    def command(self) -> list[str]:
        return [part for part in super().command() if not part.startswith("--replSet")]

    def wait_until_it_serves(self) -> None:
        self.wait_until(self._accepts)

    def database(self, name: str, options: str = "", user: str = "") -> str:
        """The address of a database in it."""
        return f"mongodb://{user}{self.address}/{name}{options}"
