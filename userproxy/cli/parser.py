"""The commands' arguments: parsed, or refused in one line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NoReturn

__all__ = ["parse"]


def parse(commands: Mapping[str, str], arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of one of ``commands`` (names and what they do).

    Raises SystemExit for ``--help``, ``--version`` and wrong usage.
    """
    parser = _Parser(
        prog="userproxy",
        description="A userspace kube-proxy: Kubernetes Services on any laptop or node, without root.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")
    subparsers = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_CommandParser
    )
    for name, summary in commands.items():
        command = subparsers.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:] + ".", allow_abbrev=False
        )
        command.module = f"userproxy.cli.{name}"
    return parser.parse_args(arguments)


class _Version(argparse.Action):
    """Finds the version when it is asked for: the metadata of packages takes a fifth of a start to load."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"userproxy {version('userproxy')}")
        parser.exit()


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the whole usage is a ``--help`` away."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} ({self.prog} --help tells more)\n")


class _CommandParser(_Parser):
    """Declares the arguments of its command when these are there to be parsed: others load nothing."""

    module = ""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        import_module(self.module).add_arguments(self)
        return super().parse_known_args(args, namespace)
