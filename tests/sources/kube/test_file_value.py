"""Values follow their files: by time, size and inode, and never from good to bad without need."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from userproxy.errors import CredentialsError
from userproxy.sources.kube.file_value import FileValue, read_bytes, read_text


class Reader:
    """Reads a file, counts how often, and refuses one that says "bad"."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reads = 0

    def __call__(self) -> str:
        self.reads += 1
        text = read_text(self.path, "the file")
        if text == "bad":
            raise CredentialsError(f"{self.path}: is bad")
        return text


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    path = tmp_path / "value"
    path.write_text("one")
    return Reader(path)


def _rewrite_in_place(path: Path) -> None:
    path.write_text("other")


def _replace_with_same_size_and_time(path: Path) -> None:
    times = path.stat()
    new = path.with_name("new")
    new.write_text("two")
    os.utime(new, ns=(times.st_atime_ns, times.st_mtime_ns))
    new.replace(path)


def _touch(path: Path) -> None:
    times = path.stat()
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 1))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        pytest.param(_rewrite_in_place, "other", id="size"),
        pytest.param(_replace_with_same_size_and_time, "two", id="inode"),
        pytest.param(_touch, "one", id="time"),
    ],
)
def test_a_file_is_read_again_when_it_changes(
    reader: Reader, change: Callable[[Path], None], text: str
) -> None:
    value = FileValue((reader.path,), reader)
    assert [value.get(), value.get(), value.get()] == ["one"] * 3
    assert reader.reads == 1
    change(reader.path)
    assert [value.get(), value.get()] == [text] * 2
    assert reader.reads == 2


def test_a_file_is_read_again_on_request(reader: Reader) -> None:
    value = FileValue((reader.path,), reader)
    value.get()
    value.get(again=True)
    assert reader.reads == 2


def test_a_symbolic_link_that_is_swapped_is_a_change(tmp_path: Path, reader: Reader) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    reader.path.unlink()
    reader.path.symlink_to("a")
    value = FileValue((reader.path,), reader)
    assert value.get() == "a"
    (tmp_path / "link").symlink_to("b")
    (tmp_path / "link").replace(reader.path)
    assert value.get() == "b"


@pytest.mark.parametrize("spoil", [lambda p: p.write_text("bad"), lambda p: p.unlink()], ids=["bad", "gone"])
def test_a_spoiled_file_keeps_the_last_value_and_is_told_once(
    reader: Reader, spoil: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    value = FileValue((reader.path,), reader)
    value.get()
    spoil(reader.path)
    with caplog.at_level(logging.WARNING):
        assert [value.get(), value.get(), value.get(again=True)] == ["one"] * 3
    assert [record.getMessage().split()[0] for record in caplog.records] == ["credentials_kept"]
    with pytest.raises(CredentialsError):
        value.get(keep=False)
    reader.path.write_text("mended")
    assert value.get() == "mended"


def test_a_file_that_was_never_good_is_an_error(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "missing")
    value = FileValue((reader.path,), reader)
    with pytest.raises(CredentialsError, match="No such file"):
        value.get()
    reader.path.write_text("late")
    assert value.get() == "late"


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    # As in ``--kubeconfig <(command)``: opening it again would wait for a writer for ever.
    read_end, write_end = os.pipe()
    try:
        os.write(write_end, b"piped")
        os.close(write_end)
        reader = Reader(Path(f"/proc/self/fd/{read_end}"))
        value = FileValue((reader.path,), reader)
        assert [value.get(), value.get(again=True), value.get(again=True, keep=False)] == ["piped"] * 3
        assert reader.reads == 1
    finally:
        os.close(read_end)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"s3cr3t\xff")
    for path, complaint in (
        (tmp_path, "Is a directory"),
        (tmp_path / "missing", "No such file or directory"),
        (binary, "is not text in UTF-8"),
    ):
        with pytest.raises(CredentialsError, match=f"origin: {path}: {complaint}") as caught:
            read_text(path, "origin")
        assert "s3cr3t" not in repr(caught.value.__context__)
    with pytest.raises(CredentialsError, match="is longer than 3 bytes"):
        read_bytes(binary, "origin", 3)
