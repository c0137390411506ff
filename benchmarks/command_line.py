"""``python -m benchmarks [MODE] [options]``.

Exit codes: 0 good, 1 failed, 2 wrong usage or a result file that cannot be used, 128 + n ended by signal n.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NoReturn

from benchmarks.arguments import new_file
from benchmarks.errors import BenchmarkError, FileError, Interrupted
from benchmarks.outcome import Outcome

__all__ = ["main"]

FORWARDING = "forwarding"
MODES: Mapping[str, tuple[str, str]] = {
    FORWARDING: ("benchmarks.forwarding.mode", "what forwarding costs beside others (the default)"),
    "soak": ("benchmarks.soak.mode", "endpoints swapped under load for minutes: failures and memory"),
    "idle": ("benchmarks.idle.mode", "resident memory for each connection that is open and silent"),
    "costs": ("benchmarks.costs.mode", "instructions that limits, counters and close reasons take unused"),
    "takeover": (
        "benchmarks.takeover.mode",
        "upgrades under load: what fails, what is cut, how long UDP waits",
    ),
    "leaks": ("benchmarks.leaks.mode", "what many connections and UDP flows leave behind"),
    "latency-of-change": ("benchmarks.latency.mode", "how soon a change in the API server is in force"),
    "profile": (
        "benchmarks.profile.mode",
        "where the time goes: system calls, functions, a flame graph",
    ),
    "load-agreement": (
        "benchmarks.load_agreement.mode",
        "whether userproxy load agrees with wrk and with known delays",
    ),
    "pure": ("benchmarks.pure.mode", "what choosing, swapping, decoding and deriving cost without traffic"),
    "scale": ("benchmarks.scale.mode", "10,000 Services: first sync, changes, memory, listeners"),
    "start": ("benchmarks.start.mode", "from the start of a process to the first byte it forwards"),
    "port-forward": (
        "benchmarks.port_forward.mode",
        "bytes to a pod through the API server, beside kubectl port-forward",
    ),
}
READERS: Mapping[str, tuple[str, str]] = {
    "report": ("benchmarks.report.mode", "tables and pictures of result files"),
    "compare": ("benchmarks.compare.mode", "which differences between two result files exceed the noise"),
}
"""They measure nothing, and so write no result file."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one mode; ``arguments`` default to the process's own. Returns the exit code."""
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except FileError as error:
        return _say(str(error), 2)
    except BenchmarkError as error:
        return _say(str(error), 1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _say(f"{where}{error.strerror or error}", 1)
    except Interrupted as interrupted:
        return _say("interrupted", 128 + interrupted.number)
    except KeyboardInterrupt:  # before there was a loop
        return _say("interrupted", 128 + signal.SIGINT)


def _run(given: list[str]) -> int:
    every = {**MODES, **READERS}
    name = given[0] if given and given[0] in every else FORWARDING
    module, summary = every[name]
    mode = import_module(module)
    parser = _Parser(
        prog=f"python -m benchmarks {name}",
        description=summary[0].upper() + summary[1:] + ".",
        epilog="modes: " + "; ".join(f"{mode}: {text}" for mode, (_, text) in every.items()),
        allow_abbrev=False,
    )
    if name in MODES:
        parser.add_argument(
            "--json", type=new_file, metavar="FILE", help="write raw values and machine facts there"
        )
    mode.add_arguments(parser)
    options = parser.parse_args(given[1:] if given[:1] == [name] else given)
    if name in READERS:
        code: int = mode.run(options)
        return code
    outcome: Outcome = mode.run(options)
    if options.json is not None:
        from benchmarks.document import document, write

        write(options.json, document(name, given, outcome.values))
    return 0 if outcome.good else 1


def _say(message: str, code: int) -> int:
    print(f"benchmarks: {message}", file=sys.stderr)
    return code


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the whole usage is a ``--help`` away."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help tells more)\n")
