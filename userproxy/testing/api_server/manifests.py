"""Objects from files, read once, in the order in which they are to be applied."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from userproxy.errors import DocumentError
from userproxy.manifest.kinds import POD, known
from userproxy.manifest.lists import unpack
from userproxy.sources.documents import read_documents
from userproxy.sources.given import STANDARD_INPUT, give
from userproxy.testing.api_server.storage.history import RawObject

__all__ = ["Manifest", "read_manifests"]

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object, and where it stands: ``web.yaml, document 2``."""

    origin: str
    raw: RawObject


def read_manifests(paths: Iterable[str]) -> Iterator[Manifest]:
    """The objects in files, in the files of folders (by name), and in standard input ("-").

    Objects of kinds that are not read are left out (rule D3). Raises ConfigError for a path where nothing
    is, OSError for one that cannot be read, and DocumentError, which names the file.
    """
    for given in give(paths):
        for label, content in _contents(given.label, given.path):
            try:
                documents = read_documents(content)
            except DocumentError as error:
                raise DocumentError(f"{label}: {error}") from error
            for document in documents:
                yield from _objects(document.value, f"{label}, document {document.number}")


def _contents(label: str, path: str) -> Iterator[tuple[str, bytes]]:
    if path == STANDARD_INPUT:
        yield label, sys.stdin.buffer.read()
    elif Path(path).is_dir():
        for entry in sorted(Path(path).iterdir()):
            if entry.suffix in _SUFFIXES and not entry.name.startswith(".") and not entry.is_dir():
                yield f"{label}/{entry.name}", entry.read_bytes()
    else:
        yield label, Path(path).read_bytes()


def _objects(value: object, origin: str) -> Iterator[Manifest]:
    for raw in unpack(value) if value is not None else ():
        if not isinstance(raw, Mapping):
            raise DocumentError(f"{origin}: an object is expected, not {type(raw).__name__}")
        kind = raw.get("kind")
        if not kind or known(kind) or kind == POD.kind:
            yield Manifest(origin, raw)
