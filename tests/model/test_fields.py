"""Typed access to raw JSON: wrong types become problems."""

from __future__ import annotations

import pytest

from userproxy.model.events import Rejected, Upsert
from userproxy.model.fields import Fields
from userproxy.model.findings import Findings
from userproxy.model.names import ObjectRef
from userproxy.model.node import Node
from userproxy.model.problems import Problem, Severity
from userproxy.model.service import TrafficPolicy


def fields(**raw: object) -> Fields:
    return Fields(raw, "spec", Findings(lambda: ObjectRef("Node", "", "node-1"), ""))


def outcome(reader: Fields) -> Upsert | Rejected:
    return reader.findings.outcome(Node("node-1"))


def only_problem(reader: Fields) -> Problem:
    (problem,) = outcome(reader).problems
    return problem


ABSENT = [{}, {"key": None}]
NO_STRINGS = [0, 1, True, 1.5, [], ["x"], {}, {"x": 1}]


@pytest.mark.parametrize("raw", ABSENT)
def test_absent_and_null_are_the_same(raw: dict[str, object]) -> None:
    reader = fields(**raw)
    assert reader.text("key") is None
    assert reader.flag("key", default=True, rule="D1") is True
    assert reader.choice("key", TrafficPolicy.LOCAL, rule="S8") is TrafficPolicy.LOCAL
    assert reader.entries("key") == ()
    assert reader.section("key", refuse=True).raw("deeper") is None
    assert outcome(reader).problems == ()


@pytest.mark.parametrize("value", NO_STRINGS, ids=repr)
def test_text_that_is_none_is_left_out(value: object) -> None:
    reader = fields(key=value)
    assert reader.text("key", rule="S2") is None
    problem = only_problem(reader)
    assert (problem.field, problem.rule, problem.severity) == ("spec.key", "S2", Severity.ERROR)
    assert isinstance(outcome(reader), Upsert)


@pytest.mark.parametrize("value", [0, 1, "true", [], {}], ids=repr)
@pytest.mark.parametrize("default", [True, False])
def test_a_flag_that_is_none_takes_the_default(value: object, default: bool) -> None:
    reader = fields(key=value)
    assert reader.flag("key", default=default, rule="D1") is default
    problem = only_problem(reader)
    assert (problem.field, problem.rule, problem.severity) == ("spec.key", "D1", Severity.WARNING)
    assert problem.message.endswith("true is used" if default else "false is used")


@pytest.mark.parametrize("default", [True, False])
def test_a_flag_wins_over_the_default(default: bool) -> None:
    assert fields(key=not default).flag("key", default=default, rule="D1") is not default


@pytest.mark.parametrize("value", [*NO_STRINGS, "local", "Local ", "LOCAL", "Elsewhere"], ids=repr)
def test_a_choice_that_is_none_takes_the_default(value: object) -> None:
    reader = fields(key=value)
    assert reader.choice("key", TrafficPolicy.CLUSTER, rule="S8") is TrafficPolicy.CLUSTER
    problem = only_problem(reader)
    assert problem.message == "must be Cluster or Local; Cluster is used"
    assert (problem.field, problem.rule, problem.severity) == ("spec.key", "S8", Severity.WARNING)


@pytest.mark.parametrize(
    ("value", "chosen"),
    [("Local", TrafficPolicy.LOCAL), ("Cluster", TrafficPolicy.CLUSTER), ("", TrafficPolicy.CLUSTER)],
)
def test_a_choice(value: str, chosen: TrafficPolicy) -> None:
    reader = fields(key=value)
    assert reader.choice("key", TrafficPolicy.CLUSTER, rule="S8") is chosen
    assert outcome(reader).problems == ()


@pytest.mark.parametrize("value", [0, 1, True, 1.5, "x", "", {}, {"x": 1}], ids=repr)
@pytest.mark.spec("D7")
def test_D7_a_list_that_is_none_refuses_the_object(value: object) -> None:
    reader = fields(key=value)
    assert reader.entries("key") == ()
    assert only_problem(reader).field == "spec.key"
    assert isinstance(outcome(reader), Rejected)


@pytest.mark.parametrize("value", [[], ["x"], ("x",)], ids=repr)
def test_lists_and_tuples_are_lists(value: object) -> None:
    reader = fields(key=value)
    assert reader.entries("key") == value
    assert outcome(reader).problems == ()


@pytest.mark.parametrize("value", [0, True, "x", "", [], [{}]], ids=repr)
@pytest.mark.parametrize("refuse", [True, False])
def test_a_section_that_is_no_object_is_empty(value: object, refuse: bool) -> None:
    reader = fields(key=value)
    assert reader.section("key", refuse=refuse).raw("deeper") is None
    assert only_problem(reader).field == "spec.key"
    assert isinstance(outcome(reader), Rejected if refuse else Upsert)


def test_paths_lead_from_the_top() -> None:
    top = Fields({"spec": {"inner": {"x": 1}}}, "", Findings(lambda: ObjectRef("Node", "", "node-1"), ""))
    inner = top.section("spec").section("inner")
    assert top.path("spec") == "spec"
    assert inner.path("x") == "spec.inner.x"
    assert inner.text("x") is None
    assert only_problem(top).field == "spec.inner.x"
