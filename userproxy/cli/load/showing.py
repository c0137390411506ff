"""A result, printed or written, and why it is not good."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from userproxy.cli.load.search import Found
from userproxy.cli.output import writing
from userproxy.errors import UserproxyError
from userproxy.load.conditions import Condition
from userproxy.load.json_form import to_json
from userproxy.load.percentile_text import percentile_text
from userproxy.load.report import report
from userproxy.load.result import Result
from userproxy.load.verdict import failures, limit

__all__ = ["Showing"]


class Showing:
    """``hdr``: a file for the latencies, if any. What `failures` finds is not good."""

    def __init__(self, output: str, hdr: str | None, fail_if: Sequence[Condition]) -> None:
        self._is_text = output == "text"
        self._hdr = hdr
        self._fail_if = fail_if

    def line(self, text: str) -> None:
        """Say at once what is known already; in JSON it is part of the whole."""
        if self._is_text:
            with writing():
                print(text)

    def result(self, result: Result) -> bool:
        """Whether it is good. Its first line, the model, is said before by `line`."""
        return self._show(result, failures(result, self._fail_if), {})

    def found(self, found: Found, condition: Condition) -> bool:
        """The result of a search; whether it is good."""
        if found.rate is None:
            failed = [f"no rate has {condition.text}; the last one tried was {found.best.rate:g}/s"]
        else:
            failed = failures(found.best, self._fail_if)
            self.line(f"highest rate with {condition.text}: {found.rate:.1f}/s\n\n{found.best.model}")
        steps = [asdict(step) for step in found.steps]
        return self._show(found.best, failed, {"search": {"rate": found.rate, "steps": steps}})

    def _show(self, result: Result, failed: list[str], more: dict[str, Any]) -> bool:
        if self._is_text:
            self.line(report(result))
        else:
            with writing():
                print(json.dumps({**to_json(result), "limit": limit(result), "failures": failed, **more}))
        if self._hdr is not None:
            _write(Path(self._hdr), percentile_text(result.window.latency))
        for line in failed:
            print(f"userproxy: {line}", file=sys.stderr)
        return not failed


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserproxyError(f"{path}: {error.strerror}") from error
