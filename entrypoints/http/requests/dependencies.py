"""What handlers get injected: use cases, and what all requests share."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeAlias, TypeVar

from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from application.limits.file_reads import FileReads
from application.require import require
from application.use_cases import UseCases
from entrypoints.http.requests.request import ApiRequest

T = TypeVar("T")

Injected: TypeAlias = NamedDependency[SkipValidation[T]]


def provide(find: Callable[[UseCases], object]) -> Provide:
    """Provide a part of the use cases, which are open while the application runs."""

    # The framework takes less time for the request than for the state.
    def find_in_app(request: ApiRequest) -> object:
        return find(request.app.state.use_cases)

    return Provide(find_in_app, sync_to_thread=False)


def provide_features(paths: Iterable[str]) -> Mapping[str, Provide]:
    """Provide the use cases of features: `voice.line` is an attribute, by the name `line`."""
    return {path.rpartition(".")[2]: provide(partial(_find, path)) for path in paths}


def _find(path: str, use_cases: UseCases) -> object:
    feature, _, attribute = path.partition(".")
    found = require(use_cases.features.get(feature), f"the use cases of {feature} are")
    return getattr(found, attribute) if attribute else found


def provide_file_reads(request: ApiRequest) -> FileReads:
    """Provide the reads of files in progress, of all requests."""
    reads: FileReads = request.app.state.file_reads
    return reads
