"""A media store that is away."""

from typing import NoReturn

from application.ports.errors import MediaStorageUnavailable


class FilesAway:
    """Files of a store that could not be opened: each call fails."""

    def _fail(self, *_: object, **__: object) -> NoReturn:
        raise MediaStorageUnavailable("the media store could not be opened")

    write = get_size = open_file = list_files = delete = url_for = delete_unfinished = _fail
