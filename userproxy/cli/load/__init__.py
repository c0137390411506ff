"""``userproxy load URL``: load for a Service of one's own, and what came of it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from userproxy.cli.load.options import add_arguments, plan_of
from userproxy.cli.output import writing
from userproxy.errors import UserproxyError

if TYPE_CHECKING:
    from userproxy.load.conditions import Condition
    from userproxy.load.plan import Plan
    from userproxy.load.result import Result

__all__ = ["add_arguments", "run"]


def run(options: argparse.Namespace) -> int:
    """Load until the time is over or a signal comes; what was measured is printed in any case.

    Gives 1 when under 99 % of the rate was sent, nothing was answered or a ``--fail-if`` holds, 128 + n after
    signal n.
    Raises ConfigError for wrong usage, UserproxyError for a name without an address.
    """
    from userproxy.load.conditions import parse_condition

    plan = plan_of(options)
    fail_if = [parse_condition(text, "--fail-if") for text in options.fail_if]
    return _load(plan, fail_if, options)


def _load(plan: Plan, fail_if: Sequence[Condition], options: argparse.Namespace) -> int:
    from userproxy.cli.load.session import Session

    session = Session(plan)
    if options.output == "text":
        with writing():
            print(plan.model)
    result = session.run(plan)
    failed = _show(result, fail_if, options)
    return 128 + session.signal if session.signal else int(failed)


def _show(result: Result, fail_if: Sequence[Condition], options: argparse.Namespace) -> bool:
    """Print ``result``, and on standard error why it is not good; whether that is so."""
    from userproxy.load.json_form import to_json
    from userproxy.load.percentile_text import percentile_text
    from userproxy.load.report import report
    from userproxy.load.verdict import failures, limit

    failed = failures(result, fail_if)
    with writing():
        if options.output == "json":
            print(json.dumps({**to_json(result), "limit": limit(result), "failures": failed}))
        else:
            print(report(result))
    if options.hdr is not None:
        _write(Path(options.hdr), percentile_text(result.window.latency))
    for line in failed:
        print(f"userproxy: {line}", file=sys.stderr)
    return bool(failed)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserproxyError(f"{path}: {error.strerror}") from error
