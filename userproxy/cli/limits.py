"""What the process may open: a command that forwards takes what the administrator allows."""

from __future__ import annotations

import contextlib
import resource

__all__ = ["raise_descriptor_limit"]


def raise_descriptor_limit() -> None:
    """Raise the soft limit to the hard one: each connection needs two descriptors, each UDP flow one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # the kernel's own maximum is lower
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
