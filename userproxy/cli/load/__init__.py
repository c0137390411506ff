"""``userproxy load URL``: load for a Service of one's own, and what came of it."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from userproxy.cli.load.options import add_arguments
from userproxy.errors import UserproxyError

if TYPE_CHECKING:
    from userproxy.cli.load.showing import Showing
    from userproxy.load.result import Result

__all__ = ["add_arguments", "run"]


def run(options: argparse.Namespace) -> int:
    """Load until the time is over or a signal comes; what was measured is printed in any case.

    Gives 1 when under 99 % of the rate was sent, nothing was answered, no rate was found or a ``--fail-if``
    holds, 128 + n after signal n. Raises ConfigError for wrong usage, UserproxyError for a name without an
    address, or results that cannot be read or added.
    """
    # Not at the top: --help shall not load all of this.
    from userproxy.cli.load.chosen_plan import check_merge
    from userproxy.cli.load.showing import Showing
    from userproxy.load.conditions import parse_condition

    fail_if = [parse_condition(text, "--fail-if") for text in options.fail_if]
    showing = Showing(options.output, options.hdr, fail_if)
    if options.merge is None:
        return _load(options, showing)
    check_merge(options)
    merged = _merged(options.merge)
    showing.line(merged.model)
    return 0 if showing.result(merged) else 1


def _load(options: argparse.Namespace, showing: Showing) -> int:
    from userproxy.cli.load.chosen_plan import plan_of
    from userproxy.cli.load.search import find_max
    from userproxy.cli.load.session import Session, event_log
    from userproxy.load.conditions import parse_condition

    plan = plan_of(options)
    condition = parse_condition(options.find_max, "--find-max") if options.find_max is not None else None
    family = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}.get(options.family, socket.AF_UNSPEC)
    session = Session(plan, options.processes or 1, family=family, events=event_log(options.events))
    if condition is None:
        showing.line(plan.model)
        good = showing.result(session.run(plan))
    else:
        showing.line(f"open loop: search of the highest rate with {condition.text}, {plan.arrivals} arrivals")
        found = find_max(session, plan, condition, lambda step: showing.line(str(step)))
        good = showing.found(found, condition)
    if session.signal:
        return 128 + session.signal
    return 0 if good else 1


def _merged(paths: Sequence[str]) -> Result:
    """Raises UserproxyError for a file that cannot be read, and for parts of different loads."""
    from userproxy.load.json_form import parse_result
    from userproxy.load.result import merge

    results = []
    for path in paths:
        try:
            text = Path(path).read_bytes()
        except OSError as error:
            raise UserproxyError(f"{path}: {error.strerror}") from error
        results.append(parse_result(text, path))
    return merge(results)
