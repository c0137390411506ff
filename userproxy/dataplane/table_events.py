"""What a change of the table says in the log (docs/logging.md)."""

from __future__ import annotations

import logging
from collections.abc import Collection

from userproxy.log import log_event
from userproxy.model.problems import Problem, Severity
from userproxy.model.routes import RouteChanges

__all__ = ["log_changes", "log_problems"]


def log_changes(logger: logging.Logger, changes: RouteChanges) -> None:
    """A new table is in force."""
    for event, services in (
        ("service_added", changes.added_services),
        ("service_changed", changes.changed_services),
        ("service_removed", changes.removed_services),
    ):
        for service in services:
            log_event(logger, logging.INFO, event, namespace=service.namespace, service=service.name)
    if changes.changed or changes.removed:
        log_event(
            logger, logging.INFO, "route_changed", generation=changes.generation,
            changed=len(changes.changed), removed=len(changes.removed),
        )  # fmt: skip
    log_problems(logger, changes.problems, changes.cleared)


def log_problems(logger: logging.Logger, new: Collection[Problem], cleared: Collection[Problem]) -> None:
    """Each once, until it changes."""
    for problem in new:
        level = logging.ERROR if problem.severity is Severity.ERROR else logging.WARNING
        _log_problem(logger, level, "problem", problem)
    for problem in cleared:
        _log_problem(logger, logging.INFO, "problem_cleared", problem)


def _log_problem(logger: logging.Logger, level: int, event: str, problem: Problem) -> None:
    log_event(
        logger, level, event, object=str(problem.object), field=problem.field, value=problem.value,
        rule=problem.rule, origin=problem.origin, message=problem.message,
    )  # fmt: skip
