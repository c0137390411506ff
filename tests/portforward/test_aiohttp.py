"""What port-forward uses of aiohttp beyond its documented interface, named where an update may break it."""

from __future__ import annotations

import inspect

from aiohttp.client_proto import ResponseHandler
from aiohttp.http import WebSocketWriter


def test_a_frame_is_written_by_this_call() -> None:
    assert inspect.iscoroutinefunction(WebSocketWriter.send_frame)
    assert list(inspect.signature(WebSocketWriter.send_frame).parameters)[:3] == ["self", "message", "opcode"]


def test_what_came_behind_the_answer_is_taken_by_these() -> None:
    assert list(inspect.signature(ResponseHandler.set_parser).parameters)[:3] == ["self", "parser", "payload"]
    assert hasattr(ResponseHandler, "read_timeout")
