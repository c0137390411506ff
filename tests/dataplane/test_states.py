"""What happens to listeners is logged, with the reason where a number is not the stated one (rule L1)."""

from __future__ import annotations

import logging
import socket

import pytest

from tests.dataplane.harness import endpoint_of, harness, listening, route
from userproxy.log import FieldValue, fields_of


def listener_events(caplog: pytest.LogCaptureFixture) -> list[dict[str, FieldValue]]:
    events = [fields for record in caplog.records if (fields := fields_of(record))]
    return [fields for fields in events if str(fields["event"]).startswith("listener_")]


async def test_each_change_of_a_listener_is_one_event(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "userproxy.dataplane")
    with listening() as endpoint:
        async with harness() as h:
            h.serve(route(endpoint_of(endpoint)))
            host, port = h.address
            h.serve(route(endpoint_of(endpoint), session_affinity_s=10))  # nothing that concerns the listener
            h.swap()
            h.swap(endpoint_of(endpoint))
            h.remove()
    events = listener_events(caplog)
    assert [fields["event"] for fields in events] == [
        "listener_opened", "listener_refusing", "listener_opened", "listener_closed",
    ]  # fmt: skip
    assert {fields["listener"] for fields in events} == {f"{host}:{port}"}


@pytest.mark.spec("L1")
async def test_L1_the_log_says_why_a_number_is_not_the_stated_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "userproxy.dataplane")
    with listening() as endpoint, socket.socket() as other:
        other.bind(("127.77.3.1", 18500))
        other.listen()
        async with harness() as h:
            h.serve(route(endpoint_of(endpoint), host="127.77.3.1", port=18500, service_port=18500))
            [opened] = listener_events(caplog)
            assert opened["listener"] == "127.77.3.1:26500"
            assert opened["message"] == "port 18500 is taken"


@pytest.mark.spec("L4")
async def test_L4_an_address_that_cannot_be_had_is_a_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("userproxy.dataplane.binding.MOST_TRIED", 0)
    monkeypatch.setattr("userproxy.dataplane.binding.FALLBACK_OFFSET", 0)
    with socket.socket() as other:
        other.bind(("127.77.3.2", 18501))
        async with harness() as h:
            h.serve(route(host="127.77.3.2", port=18501, service_port=18501))
    [taken] = [record for record in caplog.records if "listener_taken" in record.getMessage()]
    assert taken.levelno == logging.WARNING
    assert "127.77.3.2:?" in taken.getMessage()
