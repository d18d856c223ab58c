"""Images built from packages, for machines that cannot pull the usual ones.

Each contains one program, its shared libraries from this machine, and folders.
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
    """Build the image of one program; return its name."""
    name, tag = f"dialtone-test-{package.member}", package.digest()[:12]
    program = package.program()
    with TemporaryFile() as packed:
        pack(packed, program, libraries(program))
        packed.seek(0)
        engine.client.api.import_image_from_data(
            packed, name, tag, changes=[f'ENTRYPOINT ["/{program.name}"]']
        )
    return f"{name}:{tag}"


def pack(output: IO[bytes], program: Path, libraries: Iterable[Path]) -> None:
    """Write a root file system as a tar: the program in `/`, each library at its path."""
    with tarfile.open(fileobj=output, mode="w") as tar:
        for name, mode in _FOLDERS.items():
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, mode
            tar.addfile(folder)
        for path, name in [(program, program.name), *((path, str(path)) for path in libraries)]:
            # The loader searches for this name, which may be a link to another file.
            target = path.resolve()
            entry = tar.gettarinfo(target, arcname=name)
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            with target.open("rb") as content:
                tar.addfile(entry, content)
