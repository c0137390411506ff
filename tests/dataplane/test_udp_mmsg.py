"""Batches through real sockets, and errors in the middle of them, as the kernel tells them."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.dataplane.udp_peers import UdpPeer
from tests.ipv6 import IPV6_LOOPBACK
from userproxy.dataplane.udp_answers import BURST_SIGNS, MmsgAnswers
from userproxy.dataplane.udp_clients import Client, address_of, sockaddr_of
from userproxy.dataplane.udp_mmsg import MmsgArrivals, best_batching, mmsg
from userproxy.dataplane.udp_plain import PLAIN
from userproxy.dataplane.udp_slots import BATCH, segments_work
from userproxy.dataplane.udp_vectors import VectorCalls, vector_calls

hosts = pytest.mark.parametrize("host", ["127.0.0.1", IPV6_LOOPBACK])

if vector_calls() is None:
    pytest.skip("this platform has no recvmmsg", allow_module_level=True)


class Calls:
    """The real calls, each noted; the next ones may be made to fail."""

    def __init__(self) -> None:
        real = vector_calls()
        assert real is not None
        self._real = real
        self.sent: list[int] = []
        """How many messages each call was given."""
        self.fail: list[int] = []
        """Errors of the next calls that send; 0: none."""
        self.most: int | None = None
        """Messages that a call sends at most, as when a later one fails."""

    def send(self, fd: int, headers: ctypes.c_void_p, count: int, flags: int) -> int:
        self.sent.append(count)
        code = self.fail.pop(0) if self.fail else 0
        if code:
            ctypes.set_errno(code)
            return -1
        return self._real.send(fd, headers, min(count, self.most or count), flags)

    def receive(self, fd: int, headers: ctypes.c_void_p, count: int, flags: int, limit: None) -> int:
        return self._real.receive(fd, headers, count, flags, limit)

    @property
    def vectors(self) -> VectorCalls:
        return VectorCalls(self.send, self.receive)


def blocks(sock: socket.socket) -> socket.socket:
    sock.settimeout(10)
    return sock


@pytest.fixture
def calls() -> Calls:
    return Calls()


def test_the_best_way_is_by_batches_and_else_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert best_batching().name == "mmsg"
    monkeypatch.setattr("userproxy.dataplane.udp_mmsg.vector_calls", lambda: None)
    assert mmsg() is None
    assert best_batching() is PLAIN


def test_segments_are_tried_before_they_are_used(calls: Calls) -> None:
    """A kernel that sends the message whole, or not at all."""
    assert segments_work(calls.vectors)
    calls.fail = [errno.EINVAL]
    assert not segments_work.__wrapped__(calls.vectors)

    def whole(fd: int, headers: ctypes.c_void_p, count: int, flags: int) -> int:
        return os.write(fd, b"12") - 1

    assert not segments_work(VectorCalls(whole, calls.receive))


def test_without_segments_in_the_kernel_each_is_a_message(flows: Callable[..., Flow], calls: Calls) -> None:
    answers = MmsgAnswers(calls.vectors, segments=False)
    flow = flows(b"one", b"two")
    answers.take(flow)
    answers.flush()
    assert calls.sent == [2]
    assert [flow.received() for _ in range(2)] == [b"one", b"two"]
    arrivals = MmsgArrivals(calls.vectors, segments=False)
    with UdpPeer() as listener, UdpPeer.to(listener.sock.getsockname()) as client:
        client.send(b"1", b"2")
        arrivals.receive(listener.sock)
        assert arrivals.send(flow.sock, 0, 2, segments=True) == (2, 2)
    assert calls.sent == [2, 2]


@hosts
def test_a_batch_tells_who_sent_what_in_order(host: str, calls: Calls) -> None:
    arrivals = MmsgArrivals(calls.vectors)
    with UdpPeer(host) as listener, UdpPeer(host) as one, UdpPeer(host) as other:
        sent = [(one, b"1"), (one, b""), (other, b"x" * 65_507), (one, b"4")]
        for peer, datagram in sent:
            peer.answer(datagram, listener.address)
        runs = arrivals.receive(listener.sock)
        assert [(address_of(client), first, end) for client, first, end in runs] == [
            (one.address, 0, 2),
            (other.address, 2, 3),
            (one.address, 3, 4),
        ]
        assert [bytes(arrivals.datagrams[index]) for index in range(4)] == [datagram for _, datagram in sent]
        assert runs[0][0] == runs[2][0] == arrivals.client(one.address)
        assert arrivals.receive(listener.sock) == ()


def test_a_full_batch_leaves_the_rest_for_the_next(calls: Calls) -> None:
    arrivals = MmsgArrivals(calls.vectors)
    with UdpPeer() as listener, UdpPeer.to(listener.sock.getsockname()) as client:
        client.send(*(b"%d" % number for number in range(BATCH + 2)))
        assert [run[1:] for run in arrivals.receive(listener.sock)] == [(0, BATCH)]
        assert [run[1:] for run in arrivals.receive(listener.sock)] == [(0, 2)]
        assert bytes(arrivals.datagrams[1]) == b"%d" % (BATCH + 1)


def test_a_socket_that_fails_says_so(calls: Calls) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
        with pytest.raises(OSError, match="not connected") as caught:
            MmsgArrivals(calls.vectors).receive(stream)
    assert caught.value.errno == errno.ENOTCONN


@pytest.fixture
def passing(calls: Calls) -> Iterator[Callable[[list[int], bool], list[int]]]:
    """Receives datagrams of these sizes and sends them on; tells how many messages each call was given."""
    with UdpPeer() as listener, UdpPeer() as endpoint, UdpPeer.to(endpoint.sock.getsockname()) as flow:

        def pass_on(sizes: list[int], segments: bool) -> list[int]:
            datagrams = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
            with UdpPeer.to(listener.sock.getsockname()) as client:
                client.send(*datagrams)
            arrivals = MmsgArrivals(calls.vectors)
            arrivals.receive(listener.sock)
            first = 0
            while first < len(sizes):
                first, tried = arrivals.send(flow.sock, first, len(sizes), segments=segments)
                assert first == tried
            assert [blocks(endpoint.sock).recv(1 << 16) for _ in sizes] == datagrams
            return calls.sent

        yield pass_on


def test_datagrams_of_one_size_leave_as_one_message(
    passing: Callable[[list[int], bool], list[int]],
) -> None:
    assert passing([1200] * 20, True) == [1]


def test_without_segments_each_is_a_message(passing: Callable[[list[int], bool], list[int]]) -> None:
    assert passing([1200] * 20, False) == [20]


def test_sizes_may_be_mixed(passing: Callable[[list[int], bool], list[int]]) -> None:
    assert passing([5, 7, 9, 64, 64, 64, 0, 0, 3, 60_000, 60_000], True) == [3, 1, 5]


def test_a_call_that_stops_in_the_middle_tells_how_far_it_came(calls: Calls) -> None:
    arrivals = MmsgArrivals(calls.vectors)
    with UdpPeer() as listener, UdpPeer() as endpoint, UdpPeer.to(endpoint.sock.getsockname()) as flow:
        with UdpPeer.to(listener.sock.getsockname()) as client:
            client.send(b"1", b"22", b"333")
        arrivals.receive(listener.sock)
        calls.most = 2
        assert arrivals.send(flow.sock, 0, 3, segments=True) == (2, 3)
        calls.fail = [errno.ECONNREFUSED]
        with pytest.raises(ConnectionRefusedError):
            arrivals.send(flow.sock, 2, 3, segments=True)


class Keeper:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.stopped = False


class Flow:
    """A flow whose endpoint has answered; its client is a socket of the test."""

    def __init__(self, keeper: Keeper, *answers: bytes) -> None:
        self.keeper = keeper
        self.endpoint = UdpPeer()
        self.peer = UdpPeer.to(self.endpoint.sock.getsockname())
        self.sock = self.peer.sock
        self.receive: Callable[[memoryview], int] = self.sock.recv_into
        self.user = UdpPeer()
        self.client: Client = sockaddr_of(self.user.address)
        self.client_pointer = 0
        self.segments_to_client = True
        self.answers_in_bursts = len(answers) > 1
        self.seen_in = self.seen_running = 0
        self.size_bytes = 0
        self.unanswered: list[tuple[int, int | None]] = []
        self.ended: Exception | None = None
        self.told_by_icmp = 0
        for answer in answers:
            self.endpoint.answer(answer, self.peer.address)

    def answered(self, size_bytes: int) -> None:
        self.size_bytes += size_bytes

    def ready(self, mask: int) -> None:
        """As the engine tells it."""

    def failed(self, error: Exception) -> None:
        self.ended = error

    def refused(self) -> None:
        self.told_by_icmp += 1

    def not_answered(self, size_bytes: int, error: OSError) -> None:
        self.unanswered.append((size_bytes, error.errno))

    def received(self) -> bytes:
        return blocks(self.user.sock).recv(1 << 16)

    def close(self) -> None:
        for peer in (self.endpoint, self.peer, self.user):
            peer.close()


@pytest.fixture
def flows() -> Iterator[Callable[..., Flow]]:
    opened: list[Flow] = []
    listener = UdpPeer()
    keeper = Keeper(listener.sock)

    def open_flow(*answers: bytes) -> Flow:
        opened.append(Flow(keeper, *answers))
        return opened[-1]

    yield open_flow
    for flow in opened:
        flow.close()
    listener.close()


def test_answers_of_many_flows_leave_by_one_call(flows: Callable[..., Flow], calls: Calls) -> None:
    answers = MmsgAnswers(calls.vectors)
    several = [flows(b"a" * 10, b"b" * 10, b"c" * 3), flows(b""), flows(b"x" * 60_000)]
    for flow in several:
        assert answers.take(flow)
        assert not answers.take(flow)
    assert calls.sent == []
    answers.flush()
    assert calls.sent == [4]
    assert [several[0].received() for _ in range(3)] == [b"a" * 10, b"b" * 10, b"c" * 3]
    assert several[1].received() == b""
    assert several[2].received() == b"x" * 60_000
    assert [flow.size_bytes for flow in several] == [23, 0, 60_000]
    answers.flush()
    assert calls.sent == [4], "nothing waits any more"


def test_answers_leave_by_the_listener_of_their_flow(flows: Callable[..., Flow], calls: Calls) -> None:
    answers = MmsgAnswers(calls.vectors)
    with UdpPeer() as other_listener:
        one, other = flows(b"one"), flows(b"other")
        other.keeper = Keeper(other_listener.sock)
        for flow in (one, other):
            answers.take(flow)
        answers.flush()
        assert blocks(one.user.sock).recvfrom(10) == (b"one", one.keeper.sock.getsockname())
        assert blocks(other.user.sock).recvfrom(10) == (b"other", other_listener.address)


def test_a_flood_of_answers_leaves_in_turns_and_in_order(flows: Callable[..., Flow], calls: Calls) -> None:
    answers = MmsgAnswers(calls.vectors)
    numbered = [b"%04d" % number for number in range(300)]
    flow = flows(*numbered)
    while answers.take(flow):
        pass
    answers.flush()
    assert [flow.received() for _ in numbered] == numbered


def test_an_answer_that_cannot_be_sent_is_told_and_the_others_leave(
    flows: Callable[..., Flow], calls: Calls
) -> None:
    answers = MmsgAnswers(calls.vectors)
    several = [flows(b"one"), flows(b"other")]
    for flow in several:
        answers.take(flow)
    calls.fail = [errno.EPERM]
    answers.flush()
    assert several[0].unanswered == [(3, errno.EPERM)]
    assert several[1].received() == b"other"


@pytest.mark.parametrize(
    ("code", "segments"), [(errno.EINVAL, False), (errno.EIO, False), (errno.ENOBUFS, True)]
)
def test_segments_that_the_kernel_refuses_leave_one_by_one(
    code: int, segments: bool, flows: Callable[..., Flow], calls: Calls
) -> None:
    answers = MmsgAnswers(calls.vectors)
    flow = flows(b"one", b"two")
    answers.take(flow)
    calls.fail = [code]
    answers.flush()
    assert [flow.received() for _ in range(2)] == [b"one", b"two"]
    assert flow.unanswered == []
    assert flow.segments_to_client is segments
    flow.endpoint.answer(b"six", flow.peer.address)
    flow.endpoint.answer(b"ten", flow.peer.address)
    answers.take(flow)
    answers.flush()
    assert calls.sent == [1, 1 if segments else 2]
    assert [flow.received() for _ in range(2)] == [b"six", b"ten"]


def serve(answers: MmsgAnswers, *ready: Flow) -> None:
    """As one batch of the engine."""
    answers.ready += ready
    answers.serve()
    assert answers.ready == []


def test_one_answer_of_each_flow_that_is_ready_leaves_by_one_call(
    flows: Callable[..., Flow], calls: Calls
) -> None:
    answers = MmsgAnswers(calls.vectors)
    several = [flows(b"one"), flows(b""), flows(b"three" * 10_000)]
    serve(answers, *several)
    assert calls.sent == [3]
    assert [flow.received() for flow in several] == [b"one", b"", b"three" * 10_000]
    assert [flow.size_bytes for flow in several] == [3, 0, 50_000]
    serve(answers, *several)
    assert calls.sent == [3], "there was nothing to read"


def test_single_answers_and_bursts_are_gathered_together(flows: Callable[..., Flow], calls: Calls) -> None:
    answers = MmsgAnswers(calls.vectors)
    several = [flows(b"a"), flows(b"b"), flows(b"1", b"2", b"333"), flows(b"c"), flows(b"d")]
    serve(answers, *several)
    assert calls.sent == [6]
    assert [several[index].received() for index in (0, 1, 3, 4)] == [b"a", b"b", b"c", b"d"]
    assert [several[2].received() for _ in range(3)] == [b"1", b"2", b"333"]


def test_more_flows_than_fit_leave_by_several_calls(flows: Callable[..., Flow], calls: Calls) -> None:
    answers = MmsgAnswers(calls.vectors)
    several = [flows(b"%d" % number) for number in range(2 * BATCH)]
    serve(answers, *several)
    assert len(calls.sent) == 2
    assert sum(calls.sent) == len(several)
    assert [flow.received() for flow in several] == [b"%d" % number for number in range(2 * BATCH)]


def test_a_flow_that_answers_again_and_again_is_read_several_at_once(
    flows: Callable[..., Flow], calls: Calls
) -> None:
    answers = MmsgAnswers(calls.vectors)
    flow, other = flows(), flows()
    for number in range(BURST_SIGNS + 1):
        assert not flow.answers_in_bursts
        flow.endpoint.answer(b"%d" % number, flow.peer.address)
        serve(answers, flow)
    assert flow.answers_in_bursts
    for _ in range(BURST_SIGNS + 1):
        other.endpoint.answer(b"now and then", other.peer.address)
        serve(answers, other)
        flow.endpoint.answer(b"in between", flow.peer.address)
        serve(answers, flow)
    assert not other.answers_in_bursts


def test_what_happens_to_one_flow_is_told_to_it_alone(
    flows: Callable[..., Flow], calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = MmsgAnswers(calls.vectors)
    gone, wrong, good = flows(), flows(b"poison"), flows(b"good")
    gone.endpoint.close()
    gone.sock.send(b"anybody?")

    def fail(size_bytes: int) -> None:
        raise RuntimeError("scripted")

    monkeypatch.setattr(wrong, "answered", fail)
    serve(answers, gone, wrong, good)
    assert good.received() == b"good"
    assert [flow.told_by_icmp for flow in (gone, wrong, good)] == [1, 0, 0]
    assert [str(flow.ended) for flow in (gone, wrong, good)] == ["None", "scripted", "None"]


def test_answers_have_no_way_by_a_listener_that_stopped_meanwhile(
    flows: Callable[..., Flow], calls: Calls
) -> None:
    answers = MmsgAnswers(calls.vectors)
    flow = flows(b"too late")
    flow.keeper.stopped = True
    serve(answers, flow)
    assert calls.sent == []
    assert flow.sock.recv(10) == b"too late", "it was not read"


def test_what_icmp_said_is_raised(flows: Callable[..., Flow], calls: Calls) -> None:
    answers = MmsgAnswers(calls.vectors)
    flow = flows()
    flow.endpoint.close()
    flow.sock.send(b"anybody?")
    with pytest.raises(ConnectionRefusedError):
        answers.take(flow)
    assert not answers.take(flow)
