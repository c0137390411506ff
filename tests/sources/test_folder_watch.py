"""Hints of the kernel: they come, they stop, and where there are none it says why."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from watchfiles import _rust_notify

from userproxy.sources.folder_watch import watch_folders
from userproxy.sources.threads import Stop, Threads


class Watching:
    """`watch_folders` in a thread, and its hints as an event of this loop."""

    def __init__(self) -> None:
        self.hint = asyncio.Event()
        self._stop = Stop()
        self._threads = Threads(1)
        self._loop = asyncio.get_running_loop()

    def begin(self, *folders: Path) -> asyncio.Future[str]:
        return self._threads.start(
            watch_folders, [str(folder) for folder in folders], self._changed, self._stop
        )

    def stop(self) -> None:
        self._stop.set()

    def _changed(self) -> None:
        assert threading.current_thread() is not threading.main_thread()
        self._loop.call_soon_threadsafe(self.hint.set)

    async def hinted(self) -> None:
        await self.hint.wait()
        self.hint.clear()

    async def close(self) -> None:
        self._stop.set()
        await self._threads.close()
        self._stop.close()


@pytest.fixture
async def watching() -> AsyncGenerator[Watching]:
    watching = Watching()
    yield watching
    await watching.close()


async def test_hints_come_at_the_start_and_for_every_kind_of_change(
    watching: Watching, tmp_path: Path
) -> None:
    future = watching.begin(tmp_path)
    await watching.hinted()
    file = tmp_path / "a.yaml"
    for change in (
        lambda: file.write_text("a"),
        lambda: file.write_text("b"),
        lambda: os.rename(file, tmp_path / "b.yaml"),
        lambda: os.symlink("x", tmp_path / "..data"),
        lambda: os.remove(tmp_path / "b.yaml"),
    ):
        change()
        await watching.hinted()
    watching.stop()
    assert await future == ""


async def test_it_ends_when_a_watched_folder_goes_or_is_another_one(
    watching: Watching, tmp_path: Path
) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    future = watching.begin(tmp_path, folder)
    await watching.hinted()
    folder.rmdir()
    folder.mkdir()
    await watching.hinted()
    assert await future == ""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(OSError("OS file watch limit reached"), "OS file watch limit reached", id="limit"),
        pytest.param(_rust_notify.WatchfilesRustInternalError("bug"), "bug", id="a fault of its own"),
        pytest.param(
            UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed"),
            r"'utf-8' codec can't encode character '\udcff' in position 0: surrogates not allowed",
            id="a folder whose name is no text",
        ),
        pytest.param(RuntimeError(), "RuntimeError", id="without a word"),
        pytest.param(FileNotFoundError("gone"), "", id="a folder went: the next look shows that"),
    ],
)
async def test_without_hints_of_the_kernel_it_says_why(
    watching: Watching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(_rust_notify, "RustNotify", refuse)
    assert await watching.begin(tmp_path) == expected
    assert not watching.hint.is_set()


async def test_a_file_name_that_is_no_text_ends_the_hints_and_it_says_why(
    watching: Watching, tmp_path: Path
) -> None:
    future = watching.begin(tmp_path)
    await watching.hinted()
    (tmp_path / os.fsdecode(b"\xff.txt")).touch()
    assert "xFF.txt" in await future
