"""What one look at a path shows: values that `Stability` compares."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from userproxy.model.names import ObjectRef

__all__ = ["Content", "Folder", "Missing", "Sight", "Survey", "Unreadable"]


@dataclass(frozen=True, slots=True)
class Content:
    """A file was read."""

    size_bytes: int
    mtime_ns: int
    digest: bytes
    blank: bool = field(compare=False)
    stamp: tuple[int, ...] = field(compare=False, default=())
    """Device, inode, size and times, by which a later look knows it again without reading it."""
    trusted: bool = field(compare=False, default=False)
    """Whether `stamp` will do for that."""
    data: bytes = field(compare=False, repr=False, default=b"")

    @property
    def identity(self) -> Hashable:
        return self.digest

    @property
    def fleeting(self) -> bool:
        return self.blank


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing is there."""

    @property
    def identity(self) -> Hashable:
        return "missing"

    @property
    def fleeting(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something is there, and cannot be read, or must not be."""

    reason: str

    @property
    def identity(self) -> Hashable:
        return self.reason

    @property
    def fleeting(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder: its files are seen on their own."""

    trouble: str = ""
    """What is wrong with it; "" when nothing is."""
    unreadable: bool = False

    @property
    def identity(self) -> Hashable:
        return self.trouble

    @property
    def fleeting(self) -> bool:
        return bool(self.trouble)


Sight = Content | Missing | Unreadable | Folder


@dataclass(frozen=True, slots=True)
class Survey:
    """What one look at everything shows."""

    sights: Mapping[ObjectRef, Sight]
    folders: frozenset[tuple[str, int, int]] = frozenset()
    """Paths, devices and inodes of the folders in which a change would show."""
