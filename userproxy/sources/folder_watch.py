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
    why there are no hints. Whatever watchfiles raises is such a reason: a file whose name is no UTF-8 ends
    its watch, and hints are not worth more than that.
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
    except Exception as error:
        return _reason(error)
    with notify:
        changed()
        while True:
            try:
                found = notify.watch(
                    debounce_ms=2 * _STEP_MS, step_ms=_STEP_MS, timeout_ms=0, stop_event=stop
                )
            except Exception as error:
                return _reason(error)
            if isinstance(found, str):
                return ""
            changed()
            if any(path in folders for _, path in found):
                return ""


def _reason(error: Exception) -> str:
    """Why there are no hints; never "", which would say that there was no error."""
    return str(error) or type(error).__name__
