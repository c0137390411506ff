"""Whether a person can be asked."""

from __future__ import annotations

import os

__all__ = ["may_ask"]


def may_ask() -> bool:
    """Whether standard input is a terminal, and we are in its foreground.

    In the background the kernel would answer a plugin that reads it by stopping the plugin's whole process
    group, the proxy included.
    """
    try:
        return os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
