"""docs/logging.md lists the log events of the code and their fields: no more, no less."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.docs.project import DOCS, ROOT, modules, table_rows
from userproxy.dataplane.events import port_fields
from userproxy.model.names import Family, Protocol, ServicePortName
from userproxy.model.routes import RouteKey

ROWS = table_rows(DOCS / "logging.md", section="## Events")
DOCUMENTED = {row[0].strip("`"): row for row in ROWS}
EVENT = re.compile(r"problem|[a-z]+(_[a-z]+)+")
EVENT_ARGUMENT = 2
"""``log_event(logger, level, event, ...)``."""


def calls() -> Iterator[tuple[ast.Module, ast.Call]]:
    for _, tree in modules(ROOT / "userproxy"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "log_event":
                yield tree, node


def events_of(module: ast.Module, call: ast.Call) -> set[str]:
    """The event that a call names; where a variable does, all texts of its module that look like one."""
    event = call.args[EVENT_ARGUMENT]
    if isinstance(event, ast.Constant):
        return {str(event.value)}
    names = [node for node in ast.walk(module) if isinstance(node, ast.Assign) and _is_list_of_names(node)]
    no_events = {id(part) for node in names for part in ast.walk(node)}
    return {
        node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and EVENT.fullmatch(node.value)
        and id(node) not in no_events
    }


def _is_list_of_names(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id.startswith("__") for target in node.targets)


def fields_of(call: ast.Call) -> set[str]:
    """The fields that a call names, with those that ``**port_fields(key)`` stands for."""
    fields = {keyword.arg for keyword in call.keywords if keyword.arg}
    if any(keyword.arg is None and "port_fields" in ast.dump(keyword.value) for keyword in call.keywords):
        key = RouteKey(ServicePortName("default", "web", "", Protocol.TCP), Family.IPV4)
        fields |= port_fields(key).keys()
    return fields


CALLS = [(events_of(module, call), fields_of(call)) for module, call in calls()]
EVENTS = set[str]().union(*(events for events, _ in CALLS))


def documented_fields(event: str) -> set[str]:
    row = DOCUMENTED[event]
    above = ROWS[ROWS.index(row) - 1]
    text = re.sub(r"\(.*?\)", "", row[3].partition("without")[0])
    inherited = documented_fields(above[0].strip("`")) if text.startswith("as above") else set()
    return inherited.union(re.findall(r"`([a-z_]+)`", text))


def test_the_events_are_those_of_the_code() -> None:
    assert DOCUMENTED.keys() == EVENTS


@pytest.mark.parametrize(("events", "fields"), CALLS, ids=[", ".join(sorted(events)) for events, _ in CALLS])
def test_the_fields_of_each_event_are_listed(events: set[str], fields: set[str]) -> None:
    """Where a variable names the event, those of one of its values."""
    assert any(fields <= documented_fields(event) for event in events), fields


def test_no_field_is_listed_that_is_never_logged() -> None:
    logged = set[str]().union(*(fields for _, fields in CALLS))
    listed = set[str]().union(*map(documented_fields, EVENTS))
    assert listed <= logged


def test_the_levels_are_those_that_the_command_line_knows() -> None:
    levels = {level for row in ROWS for level in row[1].split(", ")}
    assert levels == {"debug", "info", "warning", "error"}
