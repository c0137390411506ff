"""Hints that something in a folder has changed, from the kernel: they make following quick, never right."""

from __future__ import annotations

from collections.abc import Callable, Collection

from userproxy.sources.threads import Stop

__all__ = ["watch_folders"]

_STEP_MS = 50
"""How long the kernel's events are gathered, and how soon a stop is noticed."""


def watch_folders(folders: Collection[str], changed: Callable[[], None], stop: Stop) -> str:
    """Call ``changed`` whenever something in ``folders`` may have, from now until ``stop`` is set. Blocking.

    It is called once at the start, too: what changed before is not told again. Returns "" after a stop,
    and when one of the folders itself went or came, since another one may bear its name now; otherwise
    why there are no hints.
    """
    # watchfiles' own loop is not used: it logs, keeps a thread of anyio's pool, and reads the environment.
    from watchfiles._rust_notify import RustNotify

    try:
        notify = RustNotify(
            sorted(folders),
            debug=False,
            force_polling=False,
            poll_delay_ms=0,
            recursive=False,
            ignore_permission_denied=True,
        )
    except FileNotFoundError:  # some versions tell that a folder is gone, others do not
        return ""
    except (OSError, RuntimeError) as error:
        return str(error)
    with notify:
        changed()
        while True:
            found = notify.watch(debounce_ms=2 * _STEP_MS, step_ms=_STEP_MS, timeout_ms=0, stop_event=stop)
            if isinstance(found, str):
                return ""
            changed()
            if any(path in folders for _, path in found):
                return ""
