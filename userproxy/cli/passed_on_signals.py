"""Signals that this process gets for a command that it runs."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

__all__ = ["signals_passed_on"]

PASSED_ON = (
    signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip
_FROM_KERNEL = 0x80
"""``si_code`` SI_KERNEL (sigaction(2)): the terminal's keys, which reach the whole foreground group."""


@contextlib.contextmanager
def signals_passed_on(send: Callable[[int], None]) -> Iterator[None]:
    """While the block runs ``send``, called on a thread, gets the numbers of signals from other processes.

    What the terminal sends is left alone: the command is in the same process group and has it already.
    Threads started in the block take no such signals themselves; start none before it.
    """
    over = False

    def pass_on() -> None:
        while True:
            found = signal.sigwaitinfo(PASSED_ON)
            if over:
                return
            if found.si_code != _FROM_KERNEL:
                send(found.si_signo)

    before = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    thread = threading.Thread(target=pass_on, name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over = True
        assert thread.ident is not None
        signal.pthread_kill(thread.ident, signal.SIGUSR1)
        thread.join()
        while signal.sigtimedwait(PASSED_ON, 0) is not None:
            pass  # came too late for the command
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
