"""What is told to a write, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass

from userproxy.testing.api_server.storage.history import RawObject

__all__ = ["DELETE", "WRITE", "DeleteOptions", "Deleted", "WriteOptions", "Written"]


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How an object is to be created, replaced or patched."""

    dry_run: bool = False
    """Do all but keep the result."""
    field_validation: str = "Warn"
    """What unknown fields mean: Strict refuses them, Warn and Ignore drop them."""


@dataclass(frozen=True, slots=True)
class Written:
    """The object as it is stored now."""

    object: RawObject
    created: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """``dry_run``, and preconditions: a uid or version that the object must have; "" is any."""

    dry_run: bool = False
    uid: str = ""
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class Deleted:
    """The last state of the object. Not ``gone``: it waits for its finalizers."""

    object: RawObject
    gone: bool


WRITE = WriteOptions()
"""A write without options."""
DELETE = DeleteOptions()
"""A delete without options."""
