"""``userproxy exec``: one command with Services by name, and a proxy of its own for as long as it runs."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from userproxy.cli.command_process import NOT_FOUND, CommandProcess
from userproxy.cli.dialling import (
    add_dial_options,
    add_half_close_option,
    check_dial_options,
    with_dial_options,
)
from userproxy.cli.dns import add_dns_options, dns_follower
from userproxy.cli.execution import Execution
from userproxy.cli.limits import raise_descriptor_limit
from userproxy.cli.logs import add_log_options, logging_to_stderr
from userproxy.cli.options import (
    add_address_options,
    add_cluster_domain_option,
    add_loop_option,
    add_source_options,
    duration_s,
    file_source,
    is_file_source,
    kube_source,
    run_loop,
    settings_of,
)
from userproxy.cli.passed_on_signals import signals_passed_on
from userproxy.cli.served import say_problems

if TYPE_CHECKING:
    from userproxy.sources.base import Source

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source_options(parser)
    add_address_options(parser)
    add_dial_options(parser)
    add_half_close_option(parser)
    add_dns_options(parser)
    add_cluster_domain_option(parser)
    parser.add_argument(
        "--wait", type=duration_s, default=30.0, metavar="DURATION",
        help="how long it may take until everything is known, before the command starts (default: 30s)",
    )  # fmt: skip
    add_log_options(parser)
    add_loop_option(parser)
    parser.add_argument(
        "words", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command and its arguments"
    )


def run(options: argparse.Namespace) -> int:
    from userproxy.proxy import node_name_of

    command = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not command:
        print("userproxy exec: a command is missing, as in: userproxy exec -n shop -- env", file=sys.stderr)
        return 2
    if shutil.which(command[0]) is None and "/" not in command[0]:
        print(f"userproxy exec: {command[0]}: command not found", file=sys.stderr)
        return NOT_FOUND
    settings = with_dial_options(settings_of(options, options.node_name), options)
    source: Source = (
        file_source(options) if is_file_source(options) else kube_source(options, node_name_of(settings))
    )
    check_dial_options(source, settings)
    dns = dns_follower(options, settings, lambda line: say_problems([line]))
    process = CommandProcess(command)
    with _terminal_as_it_was(), contextlib.closing(process), signals_passed_on(process.signal):
        raise_descriptor_limit()
        with logging_to_stderr(options.log_format, options.verbose):
            execution = Execution(
                source, settings, process, wait_s=options.wait, namespaces=tuple(options.namespaces),
                cluster_domain=options.cluster_domain, half_close=options.half_close, dns=dns,
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
