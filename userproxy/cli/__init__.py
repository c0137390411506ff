"""The command line: one file for each command; ``userproxy --help`` lists them.

In: arguments. Out: an exit code: 0 done, 1 failed, 2 wrong usage, 128 + n ended by signal n. Only here are
signals, resource limits, logging and the event loop chosen. Everything else is imported by the command
that needs it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import NoReturn

from userproxy.errors import ConfigError, UserproxyError

__all__ = ["main"]

COMMANDS = {
    "run": "serve Services from manifests or a cluster",
    "demo": "see it work in ten seconds: no cluster, no root",
    "explain": "why traffic goes where it goes",
    "check": "report every problem of manifests, open nothing",
    "apiserver": "a small Kubernetes API server for tests and laptops",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; ``arguments`` default to the process's own. Returns the exit code."""
    parser = _Parser(
        prog="userproxy",
        description="A userspace kube-proxy: Kubernetes Services on any laptop or node, without root.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"userproxy {version('userproxy')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:] + ".", allow_abbrev=False
        )
        import_module(f"userproxy.cli.{name}").add_arguments(command)
    options = parser.parse_args(arguments)
    try:
        code: int = import_module(f"userproxy.cli.{options.command}").run(options)
    except ConfigError as error:
        return _say(error, 2)
    except UserproxyError as error:
        return _say(error, 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `userproxy explain | head`: the reader has seen enough
        sys.stderr.close()
        return 1
    return code


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the whole usage is a ``--help`` away."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} ({self.prog} --help tells more)\n")


def _say(error: Exception, code: int) -> int:
    print(f"userproxy: {error}", file=sys.stderr)
    return code
