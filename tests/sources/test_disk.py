"""Disk and the given paths: what one look at real files shows, errors included."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from userproxy.errors import ConfigError
from userproxy.sources import disk as disk_module
from userproxy.sources.disk import Disk
from userproxy.sources.document import MAX_BYTES
from userproxy.sources.given import file_ref, folder_ref, give
from userproxy.sources.sights import Content, Folder, Missing, Sight, Survey, Unreadable

OLD = 1_000_000_000.0
"""Seconds since 1970, long ago: a file of that age is not looked into again."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= before, "every descriptor is closed"


def write(path: str, text: str = "a: 1", age_s: float | None = None) -> None:
    Path(path).parent.mkdir(exist_ok=True, parents=True)
    Path(path).write_text(text)
    if age_s is not None:
        os.utime(path, (age_s, age_s))


def survey(*paths: str) -> Survey:
    return Disk(give(paths)).survey({})


def texts(found: Survey) -> dict[str, str]:
    sights = found.sights.items()
    return {ref.name: sight.data.decode() for ref, sight in sights if isinstance(sight, Content)}


def sight(path: str) -> Sight:
    (found,) = survey(path).sights.values()
    return found


def test_given_paths_keep_their_names_and_come_once() -> None:
    write("m/a.yaml")
    found = give(["m/a.yaml", Path("./m"), "-", "m//a.yaml", os.path.abspath("m"), "-"])
    assert [(given.label, given.once) for given in found] == [("m/a.yaml", False), ("m", False), ("-", True)]
    assert [os.path.isabs(given.path) for given in found] == [True, True, False]
    assert [given.label for given in give("m")] == ["m"]
    assert [given.label for given in give(Path("m/a.yaml"))] == ["m/a.yaml"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing.yaml", "nothing.yaml: No such file or directory"),
        ("a.yaml/b.yaml", "a.yaml/b.yaml: Not a directory"),
        ("dangling.yaml", "No such file or directory"),
        ("loop.yaml", "symbolic links"),
        ("x" * 5000, "name too long"),
        ("nul\0", "null byte"),
        ("", "No such file or directory"),
    ],
)
def test_a_given_path_where_nothing_is_is_a_config_error(path: str, message: str) -> None:
    write("a.yaml")
    os.symlink("gone.yaml", "dangling.yaml")
    os.symlink("loop.yaml", "loop.yaml")
    with pytest.raises(ConfigError, match=message):
        give(["a.yaml", path])


def test_no_path_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="no file or folder is given"):
        give([])


def test_a_path_behind_a_closed_door_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> os.stat_result:
        raise PermissionError(13, "Permission denied", path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", refuse)
        (given,) = give(["secret.yaml"])
        assert Disk([given]).survey({}).sights == {
            file_ref("secret.yaml"): Unreadable("cannot be read: Permission denied")
        }


def test_a_file_of_any_name_and_a_folder() -> None:
    write("plain", "plain")
    for name in (
        "b.yaml",
        "a.yml",
        "c.json",
        "d.txt",
        "e.YAML",
        ".hidden.yaml",
        "..data/x.yaml",
        "sub/x.yaml",
    ):
        write(f"m/{name}", name)
    os.mkdir("m/folder.yaml")
    found = survey("plain", "m")
    assert texts(found) == {
        "plain": "plain",
        "m/a.yml": "a.yml",
        "m/b.yaml": "b.yaml",
        "m/c.json": "c.json",
    }
    assert found.sights[folder_ref("m")] == Folder()
    assert len(found.sights) == 5


def test_a_file_given_beside_its_folder_is_one_file() -> None:
    write("m/a.yaml")
    assert list(texts(survey("m/a.yaml", "m"))) == ["m/a.yaml"]
    assert list(texts(survey("m", os.path.abspath("m/a.yaml")))) == ["m/a.yaml"]


def test_symbolic_links_are_followed_as_those_of_a_mounted_config_map() -> None:
    write("m/..1/a.yaml", "one")
    write("m/..2/a.yaml", "two")
    os.symlink("..1", "m/..data")
    os.symlink("..data/a.yaml", "m/a.yaml")
    disk = Disk(give("m"))
    first = disk.survey({})
    assert texts(first) == {"m/a.yaml": "one"}
    os.symlink("..2", "m/..next")
    os.rename("m/..next", "m/..data")
    assert texts(disk.survey(first.sights)) == {"m/a.yaml": "two"}


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(lambda: os.symlink("loop", "loop"), "cannot be read: Too many levels", id="loop"),
        pytest.param(lambda: os.mkfifo("loop"), "is a FIFO, not a file", id="FIFO"),
        pytest.param(lambda: os.symlink("/dev/zero", "loop"), "is a device, not a file", id="device"),
        pytest.param(lambda: os.mkdir("loop"), "is a folder, not a file", id="folder"),
    ],
)
def test_what_takes_the_place_of_a_file_and_must_not_be_read(make: object, expected: str) -> None:
    write("loop")
    given = give("loop")
    os.remove("loop")
    assert callable(make)
    make()
    found = Disk(given).survey({}).sights.get(file_ref("loop"))
    if os.path.isdir("loop"):
        assert found is None, "it is a folder now"
    else:
        assert isinstance(found, Unreadable)
        assert found.reason.startswith(expected)


def test_what_is_no_file_in_a_folder() -> None:
    os.mkdir("m")
    os.mkfifo("m/a.yaml")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("m/b.yaml")
        found = survey("m").sights
    assert found[file_ref("m/a.yaml")] == Unreadable("is a FIFO, not a file")
    assert found[file_ref("m/b.yaml")] == Unreadable("is a socket, not a file")


def test_a_fifo_that_takes_the_place_of_a_file_in_the_last_moment_does_not_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write("a.yaml")
    before = os.stat("a.yaml")
    os.remove("a.yaml")
    os.mkfifo("a.yaml")
    given = give("a.yaml")
    monkeypatch.setattr(os, "stat", lambda path: before)
    assert Disk([type(given[0])("a.yaml", given[0].path)]).survey({}).sights == {
        file_ref("a.yaml"): Unreadable("is a FIFO, not a file")
    }


def test_a_large_file_is_refused_without_reading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("a.yaml", "wb") as file:
        file.truncate(100 * 1024 * 1024)
    monkeypatch.setattr(disk_module, "_read", None)
    assert sight("a.yaml") == Unreadable("is larger than 16 MiB")


def test_a_file_that_grows_for_ever_is_read_to_the_limit_only(monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.yaml", "small")
    small = os.stat("a.yaml")
    with open("a.yaml", "wb") as file:
        file.truncate(MAX_BYTES + 1)
    monkeypatch.setattr(os, "fstat", lambda _: small)
    monkeypatch.setattr(os, "stat", lambda _: small)
    assert sight("a.yaml") == Unreadable("is larger than 16 MiB")


def test_a_file_of_the_largest_size_is_read() -> None:
    with open("a.yaml", "wb") as file:
        file.truncate(MAX_BYTES)
    assert isinstance(sight("a.yaml"), Content)


@pytest.mark.parametrize(("text", "blank"), [("", True), (" \n\t\r\n", True), ("#", False), ("---", False)])
def test_blank_files_are_told(text: str, blank: bool) -> None:
    write("a.yaml", text)
    found = sight("a.yaml")
    assert isinstance(found, Content)
    assert found.blank is found.fleeting is blank


def test_contents_are_compared_by_size_time_and_hash() -> None:
    write("a.yaml", "a", age_s=OLD)
    first = sight("a.yaml")
    assert sight("a.yaml") == first
    write("a.yaml", "b", age_s=OLD)
    assert sight("a.yaml") != first
    write("a.yaml", "a", age_s=OLD + 1)
    touched = sight("a.yaml")
    assert touched != first
    assert touched.identity == first.identity


def test_what_counts_is_not_read_again_while_its_stamps_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.yaml", "a", age_s=OLD)
    monkeypatch.setattr(disk_module, "_TRUSTED_AGE_NS", -1)
    disk = Disk(give("a.yaml"))
    first = disk.survey({})
    with monkeypatch.context() as patched:
        patched.setattr(disk_module, "_read", None)
        assert disk.survey(first.sights).sights == first.sights
    write("a.yaml", "b", age_s=OLD)
    assert texts(disk.survey(first.sights)) == {"a.yaml": "b"}, "the same size and time, yet another ctime"


def test_a_file_that_changed_just_before_it_was_read_is_read_again() -> None:
    write("a.yaml", "a")
    disk = Disk(give("a.yaml"))
    first = disk.survey({}).sights[file_ref("a.yaml")]
    assert isinstance(first, Content)
    assert not first.trusted
    Path("a.yaml").write_text("b")
    stamp = os.stat("a.yaml")
    # As if the file system's clock had not moved on between the two writes.
    same = (stamp.st_dev, stamp.st_ino, stamp.st_size, stamp.st_mtime_ns, stamp.st_ctime_ns)
    forged = Content(1, stamp.st_mtime_ns, first.digest, False, stamp=same)
    assert texts(disk.survey({file_ref("a.yaml"): forged})) == {"a.yaml": "b"}


def test_a_file_that_vanishes_is_missing() -> None:
    write("a.yaml")
    disk = Disk(give("a.yaml"))
    os.remove("a.yaml")
    assert disk.survey({}).sights == {file_ref("a.yaml"): Missing()}
    write("a.yaml", "b")
    assert texts(disk.survey({})) == {"a.yaml": "b"}


def test_a_folder_that_empties_goes_and_comes_again() -> None:
    write("m/a.yaml")
    disk = Disk(give("m"))
    disk.survey({})
    os.remove("m/a.yaml")
    assert disk.survey({}).sights == {
        folder_ref("m"): Folder("holds no file that ends with .yaml or .yml or .json; waits for one")
    }
    os.rmdir("m")
    assert disk.survey({}).sights == {folder_ref("m"): Folder("is gone; it is waited for")}
    write("m/b.yaml", "b")
    assert texts(disk.survey({})) == {"m/b.yaml": "b"}


def test_a_folder_that_cannot_be_listed_keeps_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    write("m/a.yaml")
    disk = Disk(give("m"))
    disk.survey({})

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refuse)
        found = disk.survey({})
        never_listed = Disk(give("m")).survey({})
    assert list(texts(found)) == ["m/a.yaml"]
    trouble = Folder("cannot be listed: Permission denied; what served before goes on", unreadable=True)
    assert found.sights[folder_ref("m")] == trouble
    assert never_listed.sights == {folder_ref("m"): trouble}


def test_a_file_may_take_the_place_of_a_folder() -> None:
    write("m/a.yaml")
    disk = Disk(give("m"))
    disk.survey({})
    os.remove("m/a.yaml")
    os.rmdir("m")
    write("m", "now a file")
    assert texts(disk.survey({})) == {"m": "now a file"}


def test_names_that_are_no_text_can_be_shown() -> None:
    os.mkdir("m")
    with open(b"m/\xff.yaml", "w") as file:
        file.write("a")
    assert list(texts(survey("m"))) == ["m/\\xff.yaml"]


def test_watchable_are_the_folders_of_every_path_and_of_what_links_point_to() -> None:
    write("m/a.yaml")
    write("elsewhere/b.yaml")
    os.symlink("elsewhere/b.yaml", "b.yaml")
    found = survey("m", "b.yaml")
    here = os.getcwd()
    assert {path for path, *_ in found.folders} == {f"{here}/m", here, f"{here}/elsewhere"}
    disk = Disk(give("m"))
    before = disk.survey({}).folders
    os.rename("m", "old")
    write("m/a.yaml")
    after = disk.survey({}).folders
    assert {path for path, *_ in before} == {path for path, *_ in after}
    assert before != after, "another folder of the same name"


def test_thousands_of_files() -> None:
    os.mkdir("m")
    for number in range(2000):
        write(f"m/{number}.yaml", str(number))
    found = survey("m")
    assert len(texts(found)) == 2000
