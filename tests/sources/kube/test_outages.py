"""What is wrong is told once: as problems of the source and as log events."""

from __future__ import annotations

import logging

import pytest

from tests.sources.kube.virtual_time import VirtualTime
from userproxy.errors import ApiError, CredentialsError, UserproxyError, WatchError
from userproxy.log import fields_of
from userproxy.model.events import SourceProblems
from userproxy.model.names import ObjectRef
from userproxy.model.problems import Problem, Severity
from userproxy.sources.kube.failures import EndedEarly, NotKubernetes, Unreachable, WrongAnswer, WrongStream
from userproxy.sources.kube.outages import Outages
from userproxy.sources.kube.resources import ENDPOINT_SLICES, NODES, SERVICES, Collection

SERVER = "https://api:6443"
SERVICE_WATCH, SLICE_WATCH, NODE_WATCH = (Collection(r) for r in (SERVICES, ENDPOINT_SLICES, NODES))
GOES_ON = "what was known goes on being served, and it is tried again"


class Told:
    """Outages, with what they said and logged."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "userproxy.sources.kube.outages")
        self.time = VirtualTime()
        self.said: list[SourceProblems] = []
        self.outages = Outages(SERVER, self.time.timing(), self.said.append)
        self._caplog = caplog

    @property
    def logged(self) -> list[str]:
        """``watch_lost services`` and so on."""
        fields = [fields_of(record) or {} for record in self._caplog.records]
        return [f"{entry['event']} {entry['watch']}" for entry in fields]

    @property
    def fields(self) -> dict[str, object]:
        return dict(fields_of(self._caplog.records[-1]) or {})

    @property
    def messages(self) -> list[str]:
        return [problem.message for problem in self.said[-1].problems]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Told:
    return Told(caplog)


def test_R7_a_lost_watch_is_a_problem_of_the_source_until_it_is_restored(told: Told) -> None:
    told.outages.failed(SERVICE_WATCH, WatchError("watch services: the connection was cut"))
    told.time.now_s += 2.5
    told.outages.answered(SERVICE_WATCH, proven=False)

    source = ObjectRef("API server", "", SERVER)
    message = f"watch services: the connection was cut; {GOES_ON}"
    assert told.said == [
        SourceProblems(source, (Problem(source, "services", "", "R5", message),)),
        SourceProblems(source, ()),
    ]
    assert told.logged == ["watch_lost services", "watch_restored services"]
    assert told.fields["duration_ms"] == 2500


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(Unreachable("refused"), id="unreachable"),
        pytest.param(CredentialsError("token file is gone"), id="no credentials"),
        pytest.param(ApiError("who?", status=401), id="401"),
        pytest.param(NotKubernetes("hello"), id="no Kubernetes"),
    ],
)
def test_R5_what_concerns_the_whole_server_is_said_once(told: Told, error: UserproxyError) -> None:
    for watch in (SERVICE_WATCH, SLICE_WATCH, NODE_WATCH):
        told.outages.failed(watch, error)
    assert told.messages == [f"{error}; {GOES_ON}"]
    assert told.logged == ["watch_lost all"]
    assert told.said[-1].problems[0].severity is Severity.ERROR

    for watch in (SERVICE_WATCH, SLICE_WATCH):
        told.outages.answered(watch, proven=False)
    assert told.messages, "one watch is lost still"
    told.outages.answered(NODE_WATCH, proven=False)
    assert told.messages == []
    assert told.logged == ["watch_lost all", "watch_restored all"]


def test_R7_unreachable_is_said_again_each_minute(told: Told) -> None:
    for _ in range(13):
        told.outages.failed(SERVICE_WATCH, Unreachable("refused"))
        told.outages.failed(SLICE_WATCH, Unreachable("refused"))
        told.time.now_s += 10
    assert told.logged == ["watch_lost all"] * 3
    assert told.fields["duration_ms"] == 120_000
    assert len(told.said) == 1, "the problem is the same"


def test_R7_a_lost_watch_says_how_old_the_state_is(told: Told) -> None:
    heard_s = told.time.now_s
    told.outages.failed(SERVICE_WATCH, Unreachable("refused"))
    assert told.fields["age_s"] is None, "there was never any"
    told.time.now_s += 65.4
    told.outages.failed(SLICE_WATCH, Unreachable("refused"), last_contact_s=heard_s + 20)
    told.outages.failed(SERVICE_WATCH, Unreachable("refused"), last_contact_s=heard_s)
    told.time.now_s += 60
    told.outages.failed(SLICE_WATCH, Unreachable("refused"), last_contact_s=heard_s + 20)
    assert told.logged == ["watch_lost all"] * 3
    assert told.fields["age_s"] == 125, "the services have been silent for longer"


def test_R5_other_failures_are_said_once_however_long_they_last(told: Told) -> None:
    for _ in range(13):
        told.outages.failed(SERVICE_WATCH, ApiError("forbidden to list services", status=403))
        told.time.now_s += 60
    assert told.logged == ["watch_lost services"]


def test_R5_each_watch_that_is_forbidden_is_said(told: Told) -> None:
    told.outages.failed(SERVICE_WATCH, ApiError("forbidden to list services", status=403))
    told.outages.failed(SLICE_WATCH, ApiError("forbidden to list endpointslices", status=403))
    assert told.messages == [
        f"forbidden to list services; {GOES_ON}",
        f"forbidden to list endpointslices; {GOES_ON}",
    ]
    told.outages.answered(SERVICE_WATCH, proven=False)
    assert told.messages == [f"forbidden to list endpointslices; {GOES_ON}"]


def test_N2_without_the_node_is_a_warning(told: Told) -> None:
    told.outages.failed(NODE_WATCH, ApiError("forbidden to list nodes", status=403))
    problem = told.said[-1].problems[0]
    assert problem.severity is Severity.WARNING
    assert problem.message == "forbidden to list nodes; without this Node zone hints cannot match"
    assert problem.rule == "N2"


def test_R5_a_watch_that_fails_in_another_way_has_not_recovered(told: Told) -> None:
    told.outages.failed(SERVICE_WATCH, WatchError("cut"))
    told.outages.failed(SERVICE_WATCH, Unreachable("refused"))
    assert told.messages == [f"refused; {GOES_ON}"]
    assert told.logged == ["watch_lost services", "watch_lost all"]

    told.outages.failed(SERVICE_WATCH, ApiError("busy", status=503))
    told.outages.failed(SERVICE_WATCH, ApiError("too many", status=429))
    assert told.messages == [f"too many; {GOES_ON}"]


@pytest.mark.parametrize("error", [WrongStream("a Table"), EndedEarly("at once")])
def test_R8_a_watch_that_brought_nonsense_must_prove_itself(told: Told, error: UserproxyError) -> None:
    told.outages.failed(SERVICE_WATCH, error)
    told.outages.answered(SERVICE_WATCH, proven=False)
    assert told.messages == [f"{error}; {GOES_ON}"]
    told.outages.answered(SERVICE_WATCH, proven=True)
    assert told.messages == []


def test_R8_a_list_that_was_nonsense_is_mended_by_the_next(told: Told) -> None:
    told.outages.failed(SERVICE_WATCH, WrongAnswer("a Table"))
    told.outages.answered(SERVICE_WATCH, proven=False)
    assert told.messages == []


def test_notes_stand_beside_outages(told: Told) -> None:
    note = Problem(told.outages.source, "nodes", "worker-1", "N2", "there is no such Node", Severity.WARNING)
    told.outages.note("node", note)
    told.outages.note("node", note)
    told.outages.failed(SERVICE_WATCH, WatchError("cut"))
    assert told.messages == [f"cut; {GOES_ON}", "there is no such Node"]
    told.outages.answered(SERVICE_WATCH, proven=True)
    told.outages.note("node", None)
    told.outages.note("node", None)
    assert [len(said.problems) for said in told.said] == [1, 2, 1, 0]


def test_nothing_wrong_is_not_said(told: Told) -> None:
    told.outages.answered(SERVICE_WATCH, proven=True)
    told.outages.note("node", None)
    assert told.said == []


def test_R5_a_watch_that_ended_at_once_is_restored_by_one_that_lasts(told: Told) -> None:
    """A quiet cluster brings nothing for a minute: lasting is proof enough, being accepted is not."""
    told.outages.failed(SERVICE_WATCH, EndedEarly("watch services: it ended at once"))
    told.outages.answered(SERVICE_WATCH, proven=False)
    assert told.logged == ["watch_lost services"]
    told.outages.lasted(SERVICE_WATCH)
    assert told.logged == ["watch_lost services", "watch_restored services"]


def test_R8_a_watch_that_brought_nonsense_is_not_restored_by_lasting(told: Told) -> None:
    told.outages.failed(SERVICE_WATCH, WrongStream("watch services: it brought a Table"))
    told.outages.lasted(SERVICE_WATCH)
    assert told.logged == ["watch_lost services"]
