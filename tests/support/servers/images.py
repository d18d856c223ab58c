"""The two images, made on this machine out of packages: for where none can be pulled.

Each holds one program, the shared libraries that the loader finds for it here, and folders.
"""

import tarfile
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from testcontainers.core.docker_client import DockerClient

from tests.support.servers.libraries import libraries
from tests.support.servers.packages import Package

_FOLDERS: Final = {"tmp": 0o1777, "data": 0o777, "data/db": 0o777}


def build(engine: DockerClient, package: Package) -> str:
    """Make the image of one program; gives its name."""
    name, tag = f"dialtone-test-{package.member}", package.digest()[:12]
    program = package.program()
    with TemporaryFile() as packed:
        pack(packed, program, libraries(program))
        packed.seek(0)
        engine.client.api.import_image_from_data(
            packed, name, tag, changes=[f'ENTRYPOINT ["/{program.name}"]']
        )
    return f"{name}:{tag}"


def pack(into: IO[bytes], program: Path, libraries: Iterable[Path]) -> None:
    """Write a root file system as a tar: the program at its top, each library where it was."""
    with tarfile.open(fileobj=into, mode="w") as tar:
        for name, mode in _FOLDERS.items():
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, mode
            tar.addfile(folder)
        for path, name in [(program, program.name), *((path, str(path)) for path in libraries)]:
            # The name is what the loader looks for; what it stands for may be called otherwise.
            content = path.resolve()
            entry = tar.gettarinfo(content, arcname=name)
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            with content.open("rb") as read:
                tar.addfile(entry, read)
