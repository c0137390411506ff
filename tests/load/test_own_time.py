"""What the kernel says of this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from userproxy.load import own_time as module
from userproxy.load.own_time import own_time


def test_it_only_grows() -> None:
    before = own_time()
    assert sum(range(100_000))
    after = own_time()
    assert after[0] > before[0]
    assert after[1] >= before[1]


def test_waiting_is_the_second_figure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "schedstat").write_text("7000000000 3000000000 12\n")
    monkeypatch.setattr(module, "_SCHEDSTAT", str(tmp_path / "schedstat"))
    assert own_time()[1] == 3.0


@pytest.mark.parametrize("text", ["", "7", "a b c"])
def test_a_kernel_that_does_not_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    (tmp_path / "schedstat").write_text(text)
    monkeypatch.setattr(module, "_SCHEDSTAT", str(tmp_path / "schedstat"))
    assert own_time()[1] == 0.0
