"""Problems of one object: how values are shown, and how many are kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.model.events import Rejected, Upsert
from userproxy.model.findings import MAX_PROBLEMS, Findings, shorten
from userproxy.model.names import ObjectRef
from userproxy.model.node import Node
from userproxy.model.problems import Problem, Severity

REF = ObjectRef("Node", "", "node-1")
NODE = Node("node-1")


def deep() -> object:
    nested: object = "secret"
    for _ in range(100_000):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("", "", id="missing"),
        pytest.param("web", "web", id="text"),
        pytest.param("a" * 80, "a" * 80, id="80 characters"),
        pytest.param("a" * 81, "a" * 79 + "…", id="81 characters"),
        pytest.param("a" * 10**7, "a" * 79 + "…", id="huge text"),
        pytest.param("naïve", "naïve", id="printable beyond ASCII"),
        pytest.param("a\nb\x1b[31m\u202e", r"a\nb\x1b[31m\u202e", id="control characters"),
        pytest.param("\ud800", r"\ud800", id="half a surrogate pair"),
        pytest.param("\n" * 80, r"\n" * 39 + "\\" + "…", id="escapes are cut too"),
        pytest.param(None, "null", id="null"),
        pytest.param(True, "true", id="true"),
        pytest.param(False, "false", id="false"),
        pytest.param(70000, "70000", id="number"),
        pytest.param(-(2**63), "-9223372036854775808", id="negative number"),
        pytest.param(10**5000, "integer of 16610 bits", id="number too long to write out"),
        pytest.param(1.5, "1.5", id="fraction"),
        pytest.param(float("nan"), "nan", id="not a number"),
        pytest.param([1, 2], "list of 2", id="list"),
        pytest.param((), "list of 0", id="tuple"),
        pytest.param({"a": 1}, "object of 1", id="object"),
        pytest.param(deep(), "list of 1", id="deep list"),
        pytest.param(b"x", "bytes", id="no JSON"),
    ],
)
@pytest.mark.spec("D7")
def test_D7_a_value_is_shown_in_one_short_line(value: object, shown: str) -> None:
    assert shorten(value) == shown


@given(st.text() | st.integers() | st.floats() | st.none() | st.lists(st.none()))
@settings(deadline=None)
def test_D7_any_value_is_printable_and_short(value: object) -> None:
    shown = shorten(value)
    assert len(shown) <= 80
    assert shown.isprintable()


def test_a_warning_and_an_error_leave_the_object() -> None:
    findings = Findings(lambda: REF, "nodes.yaml")
    findings.warn("spec.a", 1, "is odd", rule="N3")
    findings.error("spec.b", "x", "is bad")
    assert findings.outcome(NODE) == Upsert(
        NODE,
        (
            Problem(REF, "spec.a", "1", "N3", "is odd", Severity.WARNING, "nodes.yaml"),
            Problem(REF, "spec.b", "x", "D7", "is bad", Severity.ERROR, "nodes.yaml"),
        ),
    )


@pytest.mark.spec("D7")
def test_D7_one_refusal_refuses_the_object_and_keeps_the_other_problems() -> None:
    findings = Findings(lambda: REF, "")
    findings.refuse("metadata.name", "", "is missing")
    findings.warn("spec.a", 1, "is odd")
    event = findings.outcome(NODE)
    assert event == findings.reject()
    assert isinstance(event, Rejected)
    assert event.ref == REF
    assert [problem.message for problem in event.problems] == ["is missing", "is odd"]


@pytest.mark.parametrize("count", [MAX_PROBLEMS - 1, MAX_PROBLEMS, MAX_PROBLEMS + 1, 20_000])
def test_problems_of_one_object_are_bounded_and_the_rest_is_counted(count: int) -> None:
    findings = Findings(lambda: REF, "nodes.yaml")
    for index in range(count):
        assert findings.full is (index >= MAX_PROBLEMS)
        findings.error(f"spec.a[{index}]", index, "is bad")
    event = findings.outcome(NODE)
    assert isinstance(event, Upsert)
    shown = [problem for problem in event.problems if problem.field]
    assert len(shown) == min(count, MAX_PROBLEMS)
    assert [problem.field for problem in shown] == [f"spec.a[{index}]" for index in range(len(shown))]
    rest = [(problem.message, problem.origin) for problem in event.problems if not problem.field]
    left_out = count - len(shown)
    expected = [(f"has {left_out} more problems, which are not shown", "nodes.yaml")]
    assert rest == (expected if left_out else [])
