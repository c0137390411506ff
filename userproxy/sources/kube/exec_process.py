"""Running one exec plugin: bounded in time and output, killed with all its children, always reaped.

In: a command. Out: its standard output as a `Secret`, or an error that shows no more than the exit
status and one masked line of standard error. Built on the loop's ``subprocess_exec`` and a protocol of
our own rather than on ``create_subprocess_exec``: its streams cannot be closed while a stray grandchild
holds the other end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from userproxy.errors import CredentialsError
from userproxy.sources.kube.redaction import shown_line
from userproxy.sources.kube.secret import Secret

__all__ = ["DEFAULT_LIMITS", "Limits", "run_plugin"]

T = TypeVar("T")

_STDOUT, _STDERR = 1, 2


@dataclass(frozen=True, slots=True)
class Limits:
    """What a plugin may take."""

    timeout_s: float = 30.0
    """One run, when nobody is asked anything."""
    interactive_timeout_s: float = 300.0
    """One run that may ask the person at the terminal (a log-in by browser)."""
    linger_s: float = 1.0
    """How long output is still read after the plugin has ended, when a child of its own holds the pipe."""
    output_bytes: int = 1 << 20
    """Standard output; over it, the plugin is killed. Of standard error the first 4 KiB are kept."""


DEFAULT_LIMITS = Limits()


async def run_plugin(
    argv: Sequence[str],
    *,
    origin: str,
    environ: Mapping[str, str],
    interactive: bool,
    secrets: Iterable[Secret] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Secret:
    """Run ``argv`` (a path and its arguments) and return what it printed.

    Not interactive: its standard input is empty, standard error is captured, and it leads a process
    group, all of which is killed at the limit and on cancellation. Interactive: it has our terminal, and
    stays in our group so that the terminal's keys reach it; then only the plugin itself is killed.

    Raises CredentialsError, calling the plugin ``origin``, when it cannot be started, fails, takes too
    long or prints too much. ``secrets`` are masked in the line of standard error that is shown.
    """
    timeout_s = limits.interactive_timeout_s if interactive else limits.timeout_s
    try:
        transport, output = await _start(argv, environ, limits, interactive=interactive)
    except OSError as error:
        raise CredentialsError(f"{origin}: cannot be started: {error.strerror or error}") from error
    in_time = False
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await output.finished
            in_time = True
    finally:
        await _end(transport, output, group=not interactive)
    failure = _exit_failure(transport.get_returncode() or 0)
    if output.overflowed:
        failure = f"printed more than {limits.output_bytes} bytes"
    elif not in_time:
        failure = f"was killed after {timeout_s:g} s"
    if not failure:
        return Secret(output.stdout.decode("utf-8", "replace"))
    said = shown_line(output.stderr.decode("utf-8", "replace"), secrets)
    raise CredentialsError(f"{origin}: {failure}{f': {said}' if said else ''}")


async def _start(
    argv: Sequence[str], environ: Mapping[str, str], limits: Limits, *, interactive: bool
) -> tuple[asyncio.SubprocessTransport, _Output]:
    """Start the plugin. A cancellation meanwhile takes effect when it can be ended properly."""
    starting = asyncio.ensure_future(
        asyncio.get_running_loop().subprocess_exec(
            lambda: _Output(limits, captured=not interactive),
            *argv,
            stdin=None if interactive else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=None if interactive else asyncio.subprocess.PIPE,
            env=dict(environ),
            start_new_session=not interactive,
        )
    )
    if await _over(starting):
        with contextlib.suppress(OSError):
            await _end(*starting.result(), group=not interactive)
        raise asyncio.CancelledError
    return starting.result()


class _Output(asyncio.SubprocessProtocol):
    """Collects what the plugin prints, and knows when it has ended."""

    def __init__(self, limits: Limits, *, captured: bool) -> None:
        loop = asyncio.get_running_loop()
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.overflowed = False
        self.exited: asyncio.Future[None] = loop.create_future()
        self.finished: asyncio.Future[None] = loop.create_future()
        self._limits = limits
        self._open = {_STDOUT, _STDERR} if captured else {_STDOUT}
        self._linger: asyncio.TimerHandle | None = None

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == _STDERR:
            self.stderr += data[: (4 << 10) - len(self.stderr)]
        elif len(self.stdout) + len(data) > self._limits.output_bytes:
            self.overflowed = True
            self.finish()
        else:
            self.stdout += data

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        if not self._open and self.exited.done():
            self.finish()

    def process_exited(self) -> None:
        self.exited.set_result(None)
        if self._open:
            # A child of the plugin's may hold the pipe for ever; what the plugin wrote is there by now.
            self._linger = asyncio.get_running_loop().call_later(self._limits.linger_s, self.finish)
        else:
            self.finish()

    def finish(self) -> None:
        """Wake whoever waits for `finished`; no timer stays behind."""
        if self._linger is not None:
            self._linger.cancel()
        if not self.finished.done():
            self.finished.set_result(None)


async def _end(transport: asyncio.SubprocessTransport, output: _Output, *, group: bool) -> None:
    """Kill what still runs, wait until it is reaped, close the pipes; only then be cancelled."""
    if not output.exited.done():
        with contextlib.suppress(ProcessLookupError):
            if group:
                os.killpg(transport.get_pid(), signal.SIGKILL)
            else:
                transport.kill()
    cancelled = await _over(output.exited)
    output.finish()
    transport.close()
    if cancelled:
        raise asyncio.CancelledError


async def _over(future: asyncio.Future[T]) -> bool:
    """Wait until ``future`` is over, through any number of cancellations. True: there was one.

    For waits that are short for certain and must not be cut: a start that is cancelled halfway is
    forgotten by both loops, a kill that is not waited for leaves a zombie.
    """
    cancelled = False
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            cancelled = True
    return cancelled


def _exit_failure(status: int) -> str:
    """What an exit ``status`` says of a failure; "" for success."""
    if status > 0:
        return f"exit code {status}"
    return f"ended by {signal.Signals(-status).name}" if status else ""
