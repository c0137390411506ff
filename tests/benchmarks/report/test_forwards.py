"""The table of what goes through the API server."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.errors import FileError
from benchmarks.report.forwards import forwards


def result(**other: object) -> dict[str, Any]:
    slow, fast = {"seconds": 2.0, "cpu_s": 0.75}, {"seconds": 0.5, "cpu_s": 0.25}
    return {
        "mode": "port-forward",
        "made": "2026-11-24T16:41:14+00:00",
        "command": "python -m benchmarks port-forward",
        "size_bytes": 500_000_000,
        "ways": {
            "userproxy": {"download": [fast, fast, slow], "upload": [fast]},
            "kubectl": {"download": [slow], "upload": [slow, fast, slow]},
        },
        "at_once": {"connections": 1000, "seconds": 0.6, "cpu_s": 0.2},
        **other,
    }


def test_medians_of_each_way_and_how_they_were_taken() -> None:
    text = forwards(result(), "one.json")
    assert "| userproxy | 1000 MB/s | 1000 MB/s | 0.50 s | 0.50 s |\n" in text
    assert "| kubectl | 250 MB/s | 250 MB/s | 1.50 s | 1.50 s |\n" in text
    assert text.endswith(
        "\n\nBy `python -m benchmarks port-forward` on 2026-11-24: medians, of 500 MB each. 1,000 connections"
        " at once through userproxy were open and had been answered twice after 0.60 s."
    )


def test_without_a_crowd_nothing_is_said_of_one() -> None:
    assert forwards(result(at_once=None), "one.json").endswith("medians, of 500 MB each.")


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"mode": "idle"}, "one.json: is a result of idle, and no port-forward"),
        ({"ways": {"userproxy": {"download": []}}}, "one.json: is damaged: KeyError 'upload'"),
        ({"size_bytes": None}, "one.json: is damaged: TypeError"),
    ],
)
def test_other_results_are_refused(other: dict[str, object], says: str) -> None:
    with pytest.raises(FileError, match=says):
        forwards(result(**other), "one.json")
