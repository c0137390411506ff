"""When a service port is told of: once its workers have said the same, and no more often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.workers.test_codecs import PORT
from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.workers.board import Board
from userproxy.workers.report_codec import port_to
from userproxy.workers.route_codec import key_to

KEY = PORT.key
LISTENING = replace(PORT, state=ListenerState.LISTENING, reason="", held=0)
REFUSING = replace(PORT, state=ListenerState.REFUSING, reason="no usable endpoint", endpoints=(), held=0)
DRAINING = replace(PORT, state=ListenerState.DRAINING)


@pytest.fixture
async def board() -> AsyncIterator[Board]:
    made = Board(lambda: None)
    made.serve(KEY, 1, (0, 1))
    yield made
    made.close()


def say(board: Board, worker: int, *ports: PortSnapshot, incarnation: int = 1) -> list[str]:
    """What is told of when ``worker`` says ``ports`` of the service port: its states."""
    board.reported(worker, [[key_to(KEY), incarnation, [port_to(port) for port in ports]]])
    return [port.state.value for port in board.snapshot(board.take_touched())]


async def test_it_counts_once_all_its_workers_have_told_of_it(board: Board) -> None:
    assert say(board, 0, LISTENING) == []
    assert say(board, 1, LISTENING) == ["listening"]


async def test_a_change_is_told_once_when_all_have_made_it(board: Board) -> None:
    say(board, 0, REFUSING)
    assert say(board, 1, REFUSING) == ["refusing"]
    assert say(board, 0, LISTENING) == []
    assert say(board, 1, LISTENING) == ["listening"]


async def test_counters_alone_are_no_news(board: Board) -> None:
    say(board, 0, LISTENING)
    say(board, 1, LISTENING)
    assert say(board, 0, replace(LISTENING, accepted=100)) == []
    [port] = board.snapshot()
    assert port.accepted == 108


async def test_a_trouble_of_one_worker_is_news_and_a_reason(board: Board) -> None:
    say(board, 0, LISTENING)
    say(board, 1, LISTENING)
    assert say(board, 0, replace(LISTENING, state=ListenerState.TAKEN, reason="why")) == ["taken"]
    assert board.taken() == {KEY: "why"}
    assert say(board, 0, LISTENING) == ["listening"]
    assert board.taken() == {}


async def test_what_was_said_of_the_one_before_does_not_count(board: Board) -> None:
    say(board, 0, LISTENING)
    say(board, 1, LISTENING)
    board.remove(KEY)
    board.serve(KEY, 2, (0, 1))
    assert say(board, 0, LISTENING) == []
    assert board.live(KEY) is None
    say(board, 0, REFUSING, incarnation=2)
    assert say(board, 1, REFUSING, incarnation=2) == ["refusing"]


async def test_that_it_is_gone_is_told_once_its_workers_know(board: Board) -> None:
    say(board, 0, LISTENING)
    say(board, 1, LISTENING)
    board.remove(KEY)
    assert board.take_touched() == ()
    assert say(board, 0, DRAINING) == []
    assert say(board, 1) == ["draining"]
    board.reported(0, [[key_to(KEY), 1, []]])
    assert board.take_touched() == (KEY,)
    assert board.snapshot() == ()


async def test_the_death_of_a_worker_keeps_its_counters_and_gives_back_what_was_open(board: Board) -> None:
    say(board, 0, LISTENING)
    say(board, 1, LISTENING)
    assert board.lost(0) == 6
    [port] = board.snapshot()
    assert (port.state, port.accepted, port.open) == ("listening", 16, 6)
    assert say(board, 0, replace(LISTENING, accepted=1, open=0)) == []
    [port] = board.snapshot()
    assert (port.accepted, port.open, dict(port.ends)["XT"]) == (17, 6, 6)


async def test_changes_are_gathered_and_can_be_told_at_once() -> None:
    told: list[int] = []
    board = Board(lambda: told.append(1))
    board.serve(KEY, 1, (0,))
    for port in (LISTENING, REFUSING, LISTENING):
        board.reported(0, [[key_to(KEY), 1, [port_to(port)]]])
    assert told == []
    board.tell()
    board.tell()
    assert told == [1]
    board.reported(0, [[key_to(KEY), 1, [port_to(REFUSING)]]])
    async with asyncio.timeout(60):
        while told != [1, 1]:
            await asyncio.sleep(0.001)
    board.close()
