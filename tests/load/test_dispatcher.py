"""Who sends when, with a clock and a server of the test: no socket, and no time passes."""

from __future__ import annotations

from collections.abc import Iterator

from userproxy.load.arrivals import constant
from userproxy.load.dispatcher import REST_NS, Dispatcher
from userproxy.load.tally import Tally

MS = 1_000_000
S = 1_000 * MS


class Server:
    """Answers each request after ``service_ns``, but nothing from ``stalls_at`` to ``stalls_until``."""

    def __init__(self, service_ns: int = MS, *, stalls_at: int = -1, stalls_until: int = -1) -> None:
        self.service_ns = service_ns
        self.stalls_at = stalls_at
        self.stalls_until = stalls_until

    def answers_at(self, sent_ns: int) -> int:
        done = sent_ns + self.service_ns
        return self.stalls_until if self.stalls_at <= done < self.stalls_until else done


class FakeSlot:
    def __init__(self, server: Server) -> None:
        self._server = server
        self.intended = self.sent = 0
        self.done: int | None = None

    def start(self, intended_ns: int, now_ns: int) -> None:
        self.intended, self.sent = intended_ns, now_ns
        self.done = self._server.answers_at(now_ns)


class Run:
    """A whole run in virtual time."""

    def __init__(
        self,
        server: Server,
        *,
        rate: float | None,
        slots: int,
        duration_ns: int = 3 * S,
        timeout_ns: int = 10 * S,
        step_ns: int = MS // 10,
    ) -> None:
        self.tally = Tally()
        starts: Iterator[int] | None = None if rate is None else constant(rate)
        self.dispatcher = Dispatcher(self.tally, starts, timeout_ns=timeout_ns)
        self.slots = [FakeSlot(server) for _ in range(slots)]
        for slot in self.slots:
            self.dispatcher.add(slot)
        self.tally.begin(0, 0)
        self.dispatcher.begin(0, duration_ns)
        now = 0
        while now < duration_ns or self.dispatcher.in_flight:
            for slot in self.slots:
                if slot.done is not None and slot.done <= now:
                    slot.done = None
                    self.tally.answered(slot.intended, slot.sent, now, 0)
                    self.dispatcher.free(slot, now)
            self.dispatcher.run_due(now)
            now += step_ns
        self.dispatcher.end(now)

    def latency_ms(self, percent: float) -> float:
        found = self.tally.window.latency.percentile(percent)
        assert found is not None
        return found / MS

    def service_ms(self, percent: float) -> float:
        found = self.tally.window.service.percentile(percent)
        assert found is not None
        return found / MS


def test_a_stall_of_one_second_shows_in_the_latency_of_all_that_was_due_meanwhile() -> None:
    """1,000 requests/s for 3 s, the server stalls for 1 s: a third of all users waited."""
    run = Run(Server(stalls_at=S, stalls_until=2 * S), rate=1000, slots=10)
    assert run.tally.window.sent == run.tally.window.answered == 3000
    # Ten requests met the stall; by service time alone it is nearly invisible.
    assert run.service_ms(99) < 2
    assert 990 < run.service_ms(100) < 1010
    # From the intended start it is not: whoever came in that second waited.
    assert run.latency_ms(50) < 10
    assert 400 < run.latency_ms(80) < 600
    assert 900 < run.latency_ms(99) < 1010
    assert run.tally.window.late_for_target > 900
    assert run.tally.window.late_by_generator == 0


def test_in_closed_loop_the_same_stall_hides() -> None:
    """What closed loops do, and why the first line of the output names the model."""
    run = Run(Server(stalls_at=S, stalls_until=2 * S), rate=None, slots=10)
    assert run.latency_ms(99.9) < 2
    assert run.tally.window.latency == run.tally.window.service
    assert run.tally.window.late == 0


def test_what_cannot_begin_within_the_time_out_is_not_sent_and_counted() -> None:
    """A server that takes 1 s for each of 10 at a time, asked 100 times a second."""
    run = Run(Server(S), rate=100, slots=10, timeout_ns=S // 2)
    window = run.tally.window
    assert window.due == 300
    assert window.sent == window.answered
    assert window.sent + window.not_sent == 300
    assert 30 <= window.sent <= 40


def test_in_flight_is_never_more_than_the_slots() -> None:
    class Crowd(Server):
        now = most = 0

        def answers_at(self, sent_ns: int) -> int:
            Crowd.most = max(Crowd.most, sum(slot.done is not None for slot in run_slots) + 1)
            return super().answers_at(sent_ns)

    run_slots: list[FakeSlot] = []
    tally = Tally()
    dispatcher = Dispatcher(tally, constant(1000), timeout_ns=S)
    run_slots += [FakeSlot(Crowd(10 * S)) for _ in range(3)]
    for slot in run_slots:
        dispatcher.add(slot)
    dispatcher.begin(0, S)
    dispatcher.run_due(S - 1)
    assert dispatcher.in_flight == Crowd.most == 3
    assert tally.window.sent == 3


def test_a_process_that_comes_late_is_told_apart_from_a_target_that_is_slow() -> None:
    tally = Tally()
    dispatcher = Dispatcher(tally, constant(1000), timeout_ns=S)
    slot = FakeSlot(Server())
    dispatcher.add(slot)
    dispatcher.begin(0, S)
    dispatcher.run_due(5 * MS)  # free all the time, and nobody came
    assert (tally.window.late_by_generator, tally.window.late_for_target) == (1, 0)
    dispatcher.free(slot, 8 * MS)  # what was due at 1 ms waited for this answer
    assert (tally.window.late_by_generator, tally.window.late_for_target) == (1, 1)


def test_connections_take_turns() -> None:
    tally = Tally()
    dispatcher = Dispatcher(tally, constant(1000), timeout_ns=S)
    slots = [FakeSlot(Server()) for _ in range(3)]
    for slot in slots:
        dispatcher.add(slot)
    dispatcher.begin(0, S)
    order = []
    for number in range(6):
        now = number * MS
        dispatcher.run_due(now)
        [busy] = [slot for slot in slots if slot.done is not None]
        order.append(slots.index(busy))
        busy.done = None
        dispatcher.free(busy, now)
    assert order == [0, 1, 2, 0, 1, 2]


def test_a_connection_that_is_refused_rests_in_closed_loop() -> None:
    tally = Tally()
    dispatcher = Dispatcher(tally, None, timeout_ns=S)
    slot = FakeSlot(Server())
    dispatcher.add(slot)
    dispatcher.begin(0, S)
    dispatcher.run_due(0)
    dispatcher.free(slot, MS, rest=True)
    assert dispatcher.wait_ns(MS) == REST_NS
    dispatcher.run_due(MS)
    assert dispatcher.in_flight == 0
    dispatcher.run_due(MS + REST_NS)
    assert dispatcher.in_flight == 1


def test_nothing_begins_after_the_end() -> None:
    for starts in (None, constant(1000)):
        tally = Tally()
        dispatcher = Dispatcher(tally, starts, timeout_ns=S)
        slot = FakeSlot(Server())
        dispatcher.add(slot)
        dispatcher.begin(0, 2 * MS)
        dispatcher.run_due(0)
        dispatcher.end(MS)
        dispatcher.free(slot, MS)
        dispatcher.run_due(2 * MS)
        assert (tally.window.due, tally.window.sent, dispatcher.in_flight) == (1, 1, 0)
        assert dispatcher.wait_ns(2 * MS) is None


def test_an_early_end_counts_as_not_sent_only_what_was_due_before() -> None:
    tally = Tally()
    dispatcher = Dispatcher(tally, constant(1000), timeout_ns=S)
    dispatcher.begin(0, S)
    dispatcher.end(10 * MS)
    assert (tally.window.due, tally.window.not_sent) == (10, 10)
