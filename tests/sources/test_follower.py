"""Follower on a virtual disk and clock: what is written, however interleaved, ends as what is served."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.model.events import Delete, Event, Rejected, SourceProblems, Upsert
from userproxy.model.names import ObjectRef
from userproxy.model.problems import Severity
from userproxy.model.service import Service
from userproxy.sources.contents import Selection
from userproxy.sources.follower import Follower, Step
from userproxy.sources.given import file_ref, folder_ref
from userproxy.sources.sights import Content, Folder, Missing, Sight, Survey, Unreadable

A, B = file_ref("m/a.yaml"), file_ref("m/b.yaml")
FOLDER = folder_ref("m")
WEB, DB = (ObjectRef("Service", "default", name) for name in ("web", "db"))


def service(name: str = "web", port: int = 80) -> str:
    return (
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n"
        f"spec: {{ports: [{{port: {port}}}]}}\n---\n"
    )


class World:
    """A disk whose files are set, a clock that is moved, and what the events amount to."""

    def __init__(self, *, stated: tuple[ObjectRef, ...] = (), selection: Selection | None = None) -> None:
        self.sights: dict[ObjectRef, Sight] = {}
        self.now_s = 0.0
        self.asked: Mapping[ObjectRef, Sight] = {}
        self.ports: dict[str, int] = {}
        self.problems: dict[ObjectRef, tuple[str, ...]] = {}
        self.rejected: set[ObjectRef] = set()
        self.deleted: list[ObjectRef] = []
        self._writes = 0
        self.follower = Follower(
            self._look, selection or Selection(), stated=stated, clock=lambda: self.now_s
        )

    def _look(self, resting: Mapping[ObjectRef, Sight]) -> Survey:
        self.asked = resting
        return Survey(dict(self.sights))

    def readable(self) -> bool:
        return self.follower.readable

    def write(self, ref: ObjectRef, text: str) -> None:
        self._writes += 1
        data = text.encode()
        digest = hashlib.sha256(data).digest()
        self.sights[ref] = Content(len(data), self._writes, digest, blank=not data.strip(), data=data)

    def step(self, after_ms: int = 0) -> Step:
        self.now_s += after_ms / 1000
        step = self.follower.step()
        self.fold(step.events)
        return step

    def rest(self) -> list[Event]:
        """Look until nothing waits for another look."""
        step = self.step()
        events = list(step.events)
        while step.due_s is not None:
            step = self.step(after_ms=round(step.due_s * 1000) + 1)
            events += step.events
        assert step.settled
        return events

    def fold(self, events: tuple[Event, ...] | list[Event]) -> None:
        for event in events:
            if isinstance(event, Upsert) and isinstance(event.object, Service):
                self.ports[event.object.name] = event.object.ports[0].port
            elif isinstance(event, Rejected):
                self.rejected.add(event.ref)
            elif isinstance(event, Delete):
                self.deleted.append(event.ref)
                self.ports.pop(event.ref.name, None)
            elif isinstance(event, SourceProblems):
                self.problems[event.source] = tuple(f"{p.field} {p.message}".strip() for p in event.problems)
                if not event.problems:
                    del self.problems[event.source]


def test_a_file_counts_when_it_was_the_same_twice() -> None:
    world = World()
    world.write(A, service())
    assert (world.step().events, world.ports) == ((), {})
    step = world.step(after_ms=50)
    assert world.ports == {"web": 80}
    assert step.settled
    assert step.due_s is None
    assert world.step(after_ms=50).events == ()


def test_what_counts_is_offered_to_the_next_look_and_without_its_bytes() -> None:
    world = World()
    world.write(A, service())
    world.rest()
    world.step()
    assert world.asked == world.sights
    assert [sight.data for sight in world.asked.values() if isinstance(sight, Content)] == [b""]
    world.follower.step(afresh=True)
    assert world.asked == {}


def test_a_file_that_does_not_parse_keeps_its_objects_and_is_reported_with_its_place() -> None:
    world = World()
    world.write(A, service("web") + service("db"))
    world.rest()
    world.write(A, service("web", 81) + "kind: [")
    world.rest()
    assert world.ports == {"web": 80, "db": 80}
    assert not world.readable()
    (problem,) = world.problems[A]
    assert problem.startswith("line 7, column 1 did not find expected node content")
    world.write(A, service("web", 81))
    world.rest()
    assert (world.ports, world.problems, world.readable()) == ({"web": 81}, {}, True)


def test_a_file_that_does_not_parse_at_the_start_waits() -> None:
    world = World(stated=(A,))
    world.write(A, "a: [")
    assert len(world.rest()) == 1
    assert A in world.problems
    world.write(A, service())
    world.rest()
    assert (world.ports, world.problems) == ({"web": 80}, {})


def test_an_empty_file_counts_after_half_a_second_and_what_it_had_goes() -> None:
    world = World()
    world.write(A, service())
    world.rest()
    world.write(A, "")
    world.step()
    assert not world.step(after_ms=499).settled
    assert world.deleted == []
    world.step(after_ms=1)
    assert world.deleted == [WEB]
    assert world.problems == {}


def test_a_file_that_leaves_its_folder_goes_without_a_word_and_is_forgotten() -> None:
    world = World()
    world.write(A, service())
    world.rest()
    del world.sights[A]
    assert world.rest() == [Delete(WEB)]
    world.step()
    assert world.asked == {}
    world.write(A, service())
    world.rest()
    assert world.ports == {"web": 80}


def test_a_file_that_leaves_its_folder_before_it_counts_was_never_there() -> None:
    world = World()
    world.write(A, service())
    world.step()
    del world.sights[A]
    assert world.rest() == []
    assert world.step().due_s is None


def test_a_stated_path_that_vanishes_is_reported_until_it_comes_back() -> None:
    world = World(stated=(A,))
    world.write(A, service())
    world.rest()
    world.sights[A] = Missing()
    world.rest()
    assert (world.ports, world.deleted) == ({}, [WEB])
    assert "is gone" in world.problems[A][0]
    assert world.readable(), "it was read while it was there"
    world.write(A, service())
    world.rest()
    assert (world.ports, world.problems) == ({"web": 80}, {})


def test_what_cannot_be_read_keeps_its_objects() -> None:
    world = World()
    world.write(A, service())
    world.rest()
    world.sights[A] = Unreadable("cannot be read: Permission denied")
    world.rest()
    assert (world.ports, world.deleted) == ({"web": 80}, [])
    assert world.problems[A] == ("cannot be read: Permission denied; what served before goes on",)
    assert not world.readable()
    world.write(A, service())
    world.rest()
    assert (world.ports, world.problems, world.readable()) == ({"web": 80}, {}, True)


def test_what_never_could_be_read_and_goes_leaves_nothing() -> None:
    world = World()
    world.sights[A] = Unreadable("is a FIFO, not a file")
    world.rest()
    assert not world.readable()
    del world.sights[A]
    world.rest()
    assert (world.problems, world.readable()) == ({}, True)


def test_a_folder_says_what_is_wrong_with_it() -> None:
    world = World()
    world.sights[FOLDER] = Folder("holds no file")
    (event,) = world.rest()
    assert isinstance(event, SourceProblems)
    assert [problem.severity for problem in event.problems] == [Severity.WARNING]
    assert world.readable()
    world.sights[FOLDER] = Folder("cannot be listed", unreadable=True)
    world.rest()
    assert not world.readable()
    world.sights[FOLDER] = Folder()
    world.rest()
    assert (world.problems, world.readable()) == ({}, True)


def test_a_file_that_never_rests_is_reported_once_and_keeps_what_it_had() -> None:
    world = World()
    world.write(A, service())
    world.rest()
    told = []
    for port in range(1001, 1101):
        world.write(A, service(port=port))
        step = world.step(after_ms=40)
        told += [event for event in step.events if isinstance(event, SourceProblems)]
    assert (world.ports, world.deleted) == ({"web": 80}, [])
    assert len(told) == 1
    assert "was not the same twice, 50 ms apart, for 2 s" in world.problems[A][0]
    assert step.settled, "nobody waits for it"
    assert not world.readable()
    world.rest()
    assert (world.ports, world.problems, world.readable()) == ({"web": 1100}, {}, True)


def test_a_restless_file_that_comes_back_to_what_counts_is_cleared() -> None:
    world = World()
    world.write(A, service())
    world.rest()
    for port in range(1001, 1101):
        world.write(A, service(port=port))
        world.step(after_ms=40)
    assert A in world.problems
    world.write(A, service())
    world.step(after_ms=40)
    assert world.problems == {}


def test_a_restless_file_that_goes_leaves_nothing() -> None:
    world = World()
    for port in range(1001, 1101):
        world.write(A, service(port=port))
        world.step(after_ms=40)
    assert A in world.problems
    del world.sights[A]
    world.rest()
    assert world.problems == {}
    assert world.readable()


def test_what_was_read_once_is_taken_as_it_is() -> None:
    world = World()
    stream = file_ref("-")
    world.write(stream, service() + service("x", 70000))
    sight = world.sights.pop(stream)
    world.fold(world.follower.take(stream, sight))
    world.rest()
    assert world.ports == {"web": 80}
    assert world.rejected == {ObjectRef("Service", "default", "x")}
    (rejected,) = [
        e for e in Follower(world._look, Selection()).take(stream, sight) if isinstance(e, Rejected)
    ]
    assert rejected.problems[0].origin == "standard input, document 2"


def test_D3_what_is_not_read_is_counted() -> None:
    world = World()
    world.write(A, "kind: Secret\n---\n" + service())
    world.rest()
    assert world.follower.skipped == {"Secret": 1}


TEXTS = st.sampled_from(
    ["", " \n", "a: [", "---\n5", service(), service(port=81), service("db"), service() + service("db", 82)]
)
MOVES = st.one_of(
    st.tuples(st.sampled_from([A, B]), TEXTS),
    st.tuples(st.sampled_from([A, B]), st.sampled_from([None, Unreadable("no")])),
)


def settle(world: World, ref: ObjectRef, move: str | Unreadable | None) -> None:
    if move is None:
        world.sights.pop(ref, None)
    elif isinstance(move, str):
        world.write(ref, move)
    else:
        world.sights[ref] = move


@settings(deadline=None)
@given(st.lists(st.tuples(MOVES, st.integers(0, 700)), max_size=15), TEXTS, TEXTS)
def test_any_interleaving_of_writes_ends_at_the_final_contents(
    history: list[tuple[tuple[ObjectRef, str | Unreadable | None], int]], last_a: str, last_b: str
) -> None:
    world = World()
    for (ref, move), after_ms in history:
        settle(world, ref, move)
        world.step(after_ms)
    # What is broken keeps what it had: only contents that parse, and name all they hold, have one meaning.
    for ref, text in ((A, last_a), (B, last_b)):
        settle(world, ref, text if text not in ("a: [", "---\n5") else None)
    world.rest()
    fresh = World()
    fresh.sights.update(world.sights)
    fresh.rest()
    assert (world.ports, world.problems) == (fresh.ports, fresh.problems)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["", service(), "kind: Serv"]), st.integers(0, 49)), max_size=60))
def test_nothing_goes_while_a_file_is_rewritten(moments: list[tuple[str, int]]) -> None:
    """Each moment is shorter than what counts; the last content is the first again."""
    world = World()
    world.write(A, service())
    world.rest()
    for text, after_ms in moments:
        world.write(A, text)
        world.step(after_ms)
    world.write(A, service())
    world.rest()
    assert (world.ports, world.deleted, world.problems) == ({"web": 80}, [], {})
