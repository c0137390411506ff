"""What every test gets: a marker for rows of the specification."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "spec(*rows): rows of docs/semantics.md that this test holds")
