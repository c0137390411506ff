"""FileSource on real files: edits, renames, swaps, files and folders that come and go."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import pytest
from watchfiles import _rust_notify

from userproxy.errors import ConfigError
from userproxy.model.events import Delete, Event, Mark, SourceProblems, Synced, Upsert
from userproxy.model.names import ObjectRef
from userproxy.model.service import Service
from userproxy.sources.files import FileSource, load

WEB = ObjectRef("Service", "default", "web")
JSON_SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "json"},
    "spec": {"ports": [{"port": 80}]},
}
FAR_S = 3600.0
"""A poll interval that no test waits for."""


def service(name: str = "web", port: int = 80) -> str:
    return (
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n"
        f"spec: {{ports: [{{port: {port}}}]}}\n---\n"
    )


class Served:
    """What the events of a source amount to, and waiting for it to change."""

    def __init__(self, source: FileSource, events: AsyncGenerator[Event]) -> None:
        self.ports: dict[str, int] = {}
        self.problems: dict[str, str] = {}
        self.deleted: list[ObjectRef] = []
        self.synced = False
        self.source = source
        self._events = events

    async def next(self) -> Event:
        event = await anext(self._events)
        if isinstance(event, Upsert) and isinstance(event.object, Service):
            self.ports[event.object.name] = event.object.ports[0].port
        elif isinstance(event, Delete):
            self.deleted.append(event.ref)
            self.ports.pop(event.ref.name, None)
        elif isinstance(event, SourceProblems):
            self.problems[event.source.name] = "\n".join(map(str, event.problems))
        elif isinstance(event, Synced):
            self.synced = True
        return event

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self.next()

    async def start(self) -> None:
        await self.until(lambda: self.synced)

    async def settle(self) -> None:
        """As `Proxy.settled` does."""
        mark = Mark(object())
        self.source.mark(mark.token)
        while await self.next() != mark:
            pass


REWRITER = """
import itertools, json, sys, time
path, pause_s, texts, times = sys.argv[1], float(sys.argv[2]), json.loads(sys.argv[3]), int(sys.argv[4])
for number in range(times) if times else itertools.count():
    with open(path, "w") as file:
        for part in texts[number % len(texts)].splitlines(keepends=True):
            file.write(part)
            file.flush()
    print(number, flush=True)
    time.sleep(pause_s)
"""


@contextlib.contextmanager
def rewriting(file: Path, texts: list[str], *, pause_s: float, times: int = 0) -> Iterator[None]:
    """Another process rewrites ``file`` in place, ``times`` times (0: no end), with the texts in turn."""
    arguments = [sys.executable, "-c", REWRITER, str(file), str(pause_s), json.dumps(texts), str(times)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        drain = threading.Thread(target=writer.stdout.read)
        drain.start()
        try:
            yield
        finally:
            writer.kill()
            drain.join()


@contextlib.asynccontextmanager
async def serving(*paths: Path | str, **options: object) -> AsyncGenerator[Served]:
    """A source that sees changes by hints alone, unless a test says otherwise."""
    source = FileSource(paths, **{"poll_interval_s": FAR_S, **options})  # type: ignore[arg-type]  # any option
    async with contextlib.aclosing(source.events()) as events:
        yield Served(source, events)


def swap_config_map(folder: Path, number: int, files: dict[str, str]) -> None:
    """Publish ``files`` in ``folder`` as kubelet does: by one rename of a link to a folder beside it."""
    version = folder / f"..{number}"
    version.mkdir(parents=True)
    for name, text in files.items():
        (version / name).write_text(text)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..next").symlink_to(version.name)
    os.rename(folder / "..next", folder / "..data")
    for link in folder.iterdir():
        if link.is_symlink() and not link.name.startswith("..") and link.name not in files:
            link.unlink()


async def test_what_exists_then_synced_then_every_change(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(service() + service("db"))
    async with serving(file) as served:
        first = [await served.next() for _ in range(3)]
        assert [type(event) for event in first] == [Upsert, Upsert, Synced]
        file.write_text(service(port=81) + service("db"))
        await served.next()
        assert served.ports == {"web": 81, "db": 80}


async def test_an_atomic_rename(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(service())
    async with serving(file) as served:
        await served.start()
        for port in (81, 82):
            (tmp_path / "new").write_text(service(port=port))
            os.replace(tmp_path / "new", file)
            await served.until(lambda port=port: served.ports == {"web": port})  # type: ignore[misc]  # bound now
        assert served.deleted == []


async def test_files_of_a_folder_come_and_go(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        await served.start()
        assert "holds no file that ends with" in served.problems[str(tmp_path)]
        (tmp_path / "a.yaml").write_text(service())
        await served.until(lambda: served.ports == {"web": 80})
        (tmp_path / "b.yml").write_text(service("db"))
        (tmp_path / "c.json").write_text(json.dumps(JSON_SERVICE))
        (tmp_path / "d.txt").write_text(service("text"))
        await served.until(lambda: served.ports == {"web": 80, "db": 80, "json": 80})
        (tmp_path / "a.yaml").unlink()
        await served.until(lambda: served.ports == {"db": 80, "json": 80})
        assert served.deleted == [WEB]


@pytest.mark.parametrize("given", ["", "a.yaml"])
async def test_a_config_map_is_swapped(tmp_path: Path, given: str) -> None:
    folder = tmp_path / "mounted"
    swap_config_map(folder, 1, {"a.yaml": service()})
    async with serving(folder / given) as served:
        await served.start()
        assert served.ports == {"web": 80}
        swap_config_map(folder, 2, {"a.yaml": service(port=81)})
        await served.until(lambda: served.ports == {"web": 81})
        if not given:
            swap_config_map(folder, 3, {"b.yaml": service("db")})
            await served.until(lambda: served.ports == {"db": 80})


async def test_a_folder_that_is_removed_and_made_again_is_still_followed(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "a.yaml").write_text(service())
    async with serving(folder) as served:
        await served.start()
        (folder / "a.yaml").unlink()
        folder.rmdir()
        await served.until(lambda: served.ports == {} and "is gone" in served.problems.get(str(folder), ""))
        for port in (81, 82):
            folder.mkdir(exist_ok=True)
            (folder / "a.yaml").write_text(service(port=port))
            await served.until(lambda port=port: served.ports == {"web": port})  # type: ignore[misc]  # bound now
        assert served.problems[str(folder)] == ""
        assert served.deleted == [WEB]


async def test_a_folder_that_is_replaced_at_once_is_still_followed_and_nothing_goes(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "a.yaml").write_text(service())
    async with serving(folder) as served:
        await served.start()
        for port in (81, 82, 83):
            (folder / "a.yaml").unlink()
            folder.rmdir()
            folder.mkdir()
            (folder / "a.yaml").write_text(service(port=port))
            await served.until(lambda port=port: served.ports == {"web": port})  # type: ignore[misc]  # bound now
            (folder / "a.yaml").write_text(service(port=port + 100))
            await served.until(lambda port=port: served.ports == {"web": port + 100})  # type: ignore[misc]  # dto.
        assert served.deleted == []


async def test_a_stated_file_that_vanishes_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(service())
    async with serving(file) as served:
        await served.start()
        file.unlink()
        await served.until(
            lambda: served.deleted == [WEB] and "is gone" in served.problems.get(str(file), "")
        )
        file.write_text(service(port=81))
        await served.until(lambda: served.ports == {"web": 81} and served.problems[str(file)] == "")


async def test_the_slow_poll_sees_what_no_hint_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr(_rust_notify, "RustNotify", refuse)
    file = tmp_path / "a.yaml"
    file.write_text(service())
    async with serving(file, poll_interval_s=0.01) as served:
        await served.start()
        await served.until(lambda: "of files" in served.problems)
        assert "OS file watch limit reached; changes are seen later" in served.problems["of files"]
        file.write_text(service(port=81))
        await served.until(lambda: served.ports == {"web": 81})


async def test_a_name_that_is_no_text_ends_the_hints_alone(tmp_path: Path) -> None:
    """watchfiles raises for it; the file itself is read as any other."""
    (tmp_path / "a.yaml").write_text(service())
    async with serving(tmp_path, poll_interval_s=0.01) as served:
        await served.start()
        (tmp_path / os.fsdecode(b"\xff.txt")).touch()
        strange = tmp_path / os.fsdecode(b"\xff.yaml")
        strange.write_text(service("db") + "a: [")
        label = str(tmp_path / r"\xff.yaml")
        await served.until(lambda: "of files" in served.problems and label in served.problems)
        assert served.problems["of files"].startswith("watch of files: Unable to decode path")
        assert served.problems["of files"].endswith("; changes are seen later")
        assert served.problems[label].startswith(f"file {label}: ")
        strange.write_text(service("db"))
        await served.until(lambda: served.ports == {"web": 80, "db": 80} and not served.problems[label])


async def test_a_file_behind_a_link_is_followed_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/real.yaml").write_text(service())
    (tmp_path / "a.yaml").symlink_to("there/real.yaml")
    async with serving(tmp_path / "a.yaml") as served:
        await served.start()
        (tmp_path / "there/real.yaml").write_text(service(port=81))
        await served.until(lambda: served.ports == {"web": 81})


async def test_a_bad_file_is_reported_with_its_place_and_disturbs_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service())
    (tmp_path / "b.yaml").write_text("a: 1\nb: [")
    async with serving(tmp_path) as served:
        await served.start()
        assert served.ports == {"web": 80}
        bad = str(tmp_path / "b.yaml")
        assert served.problems[bad].startswith(f"file {bad}: line 3, column 1: did not find expected node")
        (tmp_path / "a.yaml").write_text("kind: [")
        await served.until(lambda: str(tmp_path / "a.yaml") in served.problems)
        (tmp_path / "b.yaml").write_text(service("db"))
        await served.until(lambda: served.problems[bad] == "")
        assert served.ports == {"web": 80, "db": 80}
        assert served.deleted == []


async def test_of_one_object_in_two_files_the_first_serves(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service(port=80))
    (tmp_path / "b.yaml").write_text(service(port=81))
    async with serving(tmp_path / "b.yaml", tmp_path / "a.yaml") as served:
        await served.start()
        assert served.ports == {"web": 80}
        assert f"is also in {tmp_path / 'a.yaml'}, document 1" in served.problems[str(tmp_path / "b.yaml")]
        (tmp_path / "a.yaml").unlink()
        await served.until(lambda: served.problems[str(tmp_path / "b.yaml")] == "")
        assert served.ports == {"web": 81}
        assert served.deleted == []


async def test_a_mark_comes_behind_all_that_was_written_before_it(tmp_path: Path) -> None:
    file, other = tmp_path / "a.yaml", tmp_path / "b.yaml"
    file.write_text(service())
    async with serving(tmp_path, follow=False) as served:
        await served.settle()
        assert served.synced
        assert served.ports == {"web": 80}
        file.write_text(service(port=81))
        other.write_text(service("db"))
        await served.settle()
        assert served.ports == {"web": 81, "db": 80}
        file.unlink()
        other.write_text("a: [")
        await served.settle()
        assert served.ports == {"db": 80}
        assert "did not find" in served.problems[str(other)]
        other.write_text("")
        await served.settle()
        assert served.ports == {}


async def test_a_mark_does_not_wait_for_ever_for_what_never_rests(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(service())
    with rewriting(file, [service(port=port) for port in range(81, 181)], pause_s=0.01):
        async with serving(file) as served:
            await served.settle()
            assert served.ports == {}
            await served.until(lambda: "was not the same twice" in served.problems.get(str(file), ""))


@pytest.mark.parametrize("given", ["a.yaml", ""])
async def test_nothing_goes_while_another_process_rewrites_a_file_in_place(
    tmp_path: Path, given: str
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(service(port=1) + service("db"))
    texts = [service(port=port) + service("db") for port in range(1, 11)]
    # Looks as often as it can, so that many of them meet the file half-written.
    async with serving(tmp_path / given, poll_interval_s=0.001) as served:
        await served.start()
        with rewriting(file, [*texts, service(port=11) + service("db")], pause_s=0.002, times=330):
            await served.until(lambda: served.ports["web"] == 11)
        assert served.deleted == []
        assert served.ports == {"web": 11, "db": 80}
        await served.settle()
        assert served.problems.get(str(file), "") == ""


async def test_marks_keep_their_order_and_may_come_before_the_consumer(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service())
    source = FileSource(tmp_path, poll_interval_s=FAR_S)
    source.mark(1)
    source.mark(2)
    async with contextlib.aclosing(source.events()) as events:
        assert [await anext(events) for _ in range(4)][1:] == [Synced(), Mark(1), Mark(2)]


async def test_reload_reads_again_whatever_the_time_stamps_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("userproxy.sources.disk._TRUSTED_AGE_NS", -1)
    # A file system whose time stamps say nothing.
    monkeypatch.setattr("userproxy.sources.disk._stamp", lambda status: (status.st_ino,))
    file = tmp_path / "a.yaml"
    file.write_text(service(port=80))
    async with serving(file, follow=False) as served:
        await served.settle()
        file.write_text(service(port=81))
        await served.settle()
        assert served.ports == {"web": 80}
        served.source.reload()
        await served.settle()
        assert served.ports == {"web": 81}


async def test_standard_input_is_read_once_and_synced_waits_for_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text(service())
    reader, writer = os.pipe()
    with os.fdopen(reader) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        source = FileSource([tmp_path, "-"], poll_interval_s=FAR_S)
        for first in (True, False):
            async with contextlib.aclosing(source.events()) as events:
                served = Served(source, events)
                await served.until(lambda served=served: "web" in served.ports)  # type: ignore[misc]  # bound now
                if first:
                    os.write(writer, service("db").encode() + b"kind: 5\n")
                    os.close(writer)
                await served.start()
                source.reload()
                await served.settle()
                assert served.ports == {"web": 80, "db": 80}
                assert "standard input, document 2" in served.problems["-"]


async def test_standard_input_that_does_not_end_hinders_no_file_and_no_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text(service())
    reader, writer = os.pipe()
    with os.fdopen(reader) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        async with serving(tmp_path, "-") as served:
            await served.until(lambda: served.ports == {"web": 80})
            (tmp_path / "a.yaml").write_text(service(port=81))
            await served.until(lambda: served.ports == {"web": 81})
            assert not served.synced
    os.close(writer)


@pytest.mark.parametrize("moment", ["before", "first event", "synced", "waiting"])
async def test_closing_leaves_nothing_behind(tmp_path: Path, moment: str) -> None:
    (tmp_path / "a.yaml").write_text(service())
    os.mkfifo(tmp_path / "fifo")
    before = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
    tasks = asyncio.all_tasks()
    source = FileSource([tmp_path, tmp_path / "fifo"] if moment != "synced" else tmp_path)
    events = source.events()
    if moment == "first event":
        await anext(events)
    elif moment == "synced":
        while await anext(events) != Synced():
            pass
    elif moment == "waiting":
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await events.aclose()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("userproxy")] == []
    # The kernel's watch belongs to a native thread, which ends a moment after it was told.
    while (len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))) > before:
        await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == tasks
    async with contextlib.aclosing(source.events()) as again:
        assert isinstance(await anext(again), Upsert), "it can be consumed again"


async def test_a_second_consumer_at_once_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service())
    async with serving(tmp_path) as served:
        await served.start()
        with pytest.raises(RuntimeError, match="already"):
            await anext(served.source.events())


def test_paths_and_selectors_are_checked_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        FileSource([tmp_path / "gone.yaml"])
    with pytest.raises(ConfigError, match="selector"):
        FileSource([tmp_path], selector="(")


async def test_namespaces_and_labels_limit_what_is_served(tmp_path: Path) -> None:
    labelled = service("db").replace("{name: db}", "{name: db, namespace: other, labels: {app: db}}")
    (tmp_path / "a.yaml").write_text(service() + labelled)
    async with serving(tmp_path, namespaces=["other"], selector="app=db") as served:
        await served.start()
        assert served.ports == {"db": 80}


def test_load_reads_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service() + "kind: Secret\n---\nkind: Secret\n")
    loaded = load(tmp_path)
    upsert, synced = loaded.events
    assert isinstance(upsert, Upsert)
    assert synced == Synced()
    assert loaded.readable
    assert loaded.skipped == {"Secret": 2}


@pytest.mark.parametrize(
    ("content", "readable", "message"),
    [
        pytest.param(b"a: [", False, "line 2, column 1: did not find", id="not YAML"),
        pytest.param(b"\xff", False, "line 1, column 1: byte 0xff is not UTF-8", id="not UTF-8"),
        pytest.param(b"#" * (16 * 1024**2 + 1), False, "is larger than 16 MiB", id="too large"),
        pytest.param(b"a: &a [*a]", False, "inside its own anchor", id="endless alias"),
        pytest.param(b"- 5", True, "must be an object", id="no object"),
        pytest.param(b"", True, None, id="empty"),
    ],
)
def test_load_says_whether_all_could_be_read(
    tmp_path: Path, content: bytes, readable: bool, message: str | None
) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    loaded = load([str(tmp_path)])
    assert loaded.readable is readable
    problems = [
        str(p) for event in loaded.events if isinstance(event, SourceProblems) for p in event.problems
    ]
    assert [message in problem for problem in problems if message] == [True] * (message is not None)


def test_load_of_an_empty_folder_warns(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    warning, _ = loaded.events
    assert isinstance(warning, SourceProblems)
    assert "holds no file" in str(warning.problems[0])
    assert loaded.readable


def test_load_reads_streams_to_their_end(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, service().encode())
    os.close(writer)
    loaded = load([f"/dev/fd/{reader}"])
    os.close(reader)
    assert isinstance(loaded.events[0], Upsert)
    assert not load(_device()).readable


def _device() -> str:
    return os.devnull


def test_load_goes_on_without_what_never_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rewritten in each pause: another process could be kept waiting for longer than a file has to rest."""
    file = tmp_path / "a.yaml"
    file.write_text(service(port=80))
    ports, pause = itertools.count(81), time.sleep

    def rewrite(pause_s: float) -> None:
        pause(pause_s)
        file.write_text(service(port=next(ports)))

    monkeypatch.setattr(time, "sleep", rewrite)
    assert not load(tmp_path).readable


def test_load_of_a_path_where_nothing_is_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: No such file"):
        load(tmp_path / "gone.yaml")
