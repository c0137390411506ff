"""The command line: one file for each command; ``userproxy --help`` lists them.

In: arguments. Out: an exit code: 0 done, 1 failed, 2 wrong usage, 128 + n ended by signal n. Only here are
signals, resource limits, logging and the event loop chosen. Everything else is imported by the command
that needs it.
"""

from __future__ import annotations

import contextlib
import sys

TYPE_CHECKING = False  # as type checkers take it; `typing` itself takes a tenth of a start to load
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "run": "serve Services from manifests or a cluster",
    "demo": "see it work in ten seconds: no cluster, no root",
    "explain": "why traffic goes where it goes",
    "check": "report every problem of manifests, open nothing",
    "status": "what a running proxy serves, and how it goes",
    "connections": "what is open in a running proxy",
    "hosts": "lines of a hosts file for what is served",
    "env": "variables that name Services, as containers have them",
    "exec": "run a command with Services by name, and a proxy for it alone",
    "load": "load for an HTTP, TCP or UDP Service, and what came of it",
    "apiserver": "a small Kubernetes API server for tests and laptops",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; ``arguments`` default to the process's own. Returns the exit code.

    Raises SystemExit for ``--help``, ``--version`` and wrong usage.
    """
    try:
        # Imported here, so that Ctrl-C is met in the first moments too.
        from userproxy.cli.output import open_standard_streams

        open_standard_streams()
        try:
            code = _command(arguments)
        except SystemExit as end:  # of argparse, which leaves what it said in the buffer
            raise SystemExit(_flushed(end.code if isinstance(end.code, int) else 0)) from None
        return _flushed(code)
    except KeyboardInterrupt:
        from userproxy.cli.output import discard_output

        discard_output()  # nobody may be reading it
        return 130


def _command(arguments: Sequence[str] | None) -> int:
    from importlib import import_module

    from userproxy.cli.output import OutputError
    from userproxy.cli.parser import parse
    from userproxy.errors import ConfigError, UserproxyError

    options = parse(COMMANDS, arguments)
    try:
        code: int = import_module(f"userproxy.cli.{options.command}").run(options)
    except ConfigError as error:
        return _say(error, 2)
    except OutputError as error:  # `userproxy explain | head`: the reader has seen enough
        return 1 if error.reader_gone else _say(error, 1)
    except UserproxyError as error:
        return _say(error, 1)
    return code


def _flushed(code: int) -> int:
    """Write what is buffered; the exit code. An error that is told already is not told again."""
    from userproxy.cli.output import OutputError, discard_output, writing

    try:
        with writing():
            pass
    except OutputError as error:
        discard_output()
        if not code:
            return 1 if error.reader_gone else _say(error, 1)
    return code


def _say(error: Exception, code: int) -> int:
    with contextlib.suppress(OSError):  # nowhere to say it
        print(f"userproxy: {error}", file=sys.stderr)
    return code
