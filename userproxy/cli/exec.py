"""``userproxy exec``: one command with Services by name, and a proxy of its own for as long as it runs."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Iterator

from userproxy.cli.command_process import NOT_FOUND, CommandProcess
from userproxy.cli.dns import dns_follower
from userproxy.cli.execution import Execution
from userproxy.cli.limits import raise_descriptor_limit
from userproxy.cli.logs import logging_to_stderr
from userproxy.cli.options import duration_s, run_loop
from userproxy.cli.passed_on_signals import signals_passed_on
from userproxy.cli.served import say_problems
from userproxy.cli.serving import add_serving_options, serving_of

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_serving_options(parser)
    parser.add_argument(
        "--wait", type=duration_s, default=30.0, metavar="DURATION",
        help="how long it may take until everything is known, before the command starts (default: 30s)",
    )  # fmt: skip
    parser.add_argument(
        "words", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command and its arguments"
    )


def run(options: argparse.Namespace) -> int:
    command = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not command:
        print("userproxy exec: a command is missing, as in: userproxy exec -n shop -- env", file=sys.stderr)
        return 2
    if shutil.which(command[0]) is None and "/" not in command[0]:
        print(f"userproxy exec: {command[0]}: command not found", file=sys.stderr)
        return NOT_FOUND
    serving = serving_of(options)
    dns = dns_follower(options, serving.settings, lambda line: say_problems([line]))
    process = CommandProcess(command)
    with _terminal_as_it_was(), contextlib.closing(process), signals_passed_on(process.signal):
        raise_descriptor_limit()
        with logging_to_stderr(options.log_format, options.verbose):
            execution = Execution(
                serving, process, wait_s=options.wait, namespaces=tuple(options.namespaces),
                cluster_domain=options.cluster_domain, dns=dns,
            )  # fmt: skip
            return run_loop(options.loop, execution.run)


@contextlib.contextmanager
def _terminal_as_it_was() -> Iterator[None]:
    """The process group that has the terminal now has it again, should a killed shell have kept it."""
    terminal = next((number for number in (0, 1, 2) if os.isatty(number)), None)
    before = os.tcgetpgrp(terminal) if terminal is not None else None
    try:
        yield
    finally:
        if terminal is not None and before == os.getpgrp() != os.tcgetpgrp(terminal):
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # taking it from the background asks for that
            os.tcsetpgrp(terminal, before)
