"""Problems are told once until they change, then cleared (design, 10)."""

from __future__ import annotations

from userproxy.model.names import ObjectRef
from userproxy.model.problems import Problem
from userproxy.routing.problems import ProblemBoard, Topic

WEB = ObjectRef("Service", "default", "web")
API = ObjectRef("Service", "default", "api")


def problem(message: str, ref: ObjectRef = WEB) -> Problem:
    return Problem(ref, "spec", "", "D7", message)


ONE, TWO = problem("one"), problem("two")


def test_told_once_then_cleared() -> None:
    board = ProblemBoard()
    board.replace(WEB, Topic.SOURCE, [ONE])
    assert board.take() == ((ONE,), ())
    board.replace(WEB, Topic.SOURCE, [ONE])
    assert board.take() == ((), ())
    board.replace(WEB, Topic.SOURCE, [TWO, ONE])
    assert board.take() == ((TWO,), ())
    board.replace(WEB, Topic.SOURCE, [TWO])
    assert board.take() == ((), (ONE,))
    board.replace(WEB, Topic.SOURCE, [])
    assert board.take() == ((), (TWO,))


def test_what_came_and_went_between_two_calls_is_not_told() -> None:
    board = ProblemBoard()
    board.replace(WEB, Topic.SOURCE, [ONE])
    board.replace(WEB, Topic.SOURCE, [])
    assert board.take() == ((), ())
    board.replace(WEB, Topic.SOURCE, [ONE])
    board.take()
    board.replace(WEB, Topic.SOURCE, [])
    board.replace(WEB, Topic.SOURCE, [ONE])
    assert board.take() == ((), ())


def test_topics_and_objects_do_not_replace_each_other() -> None:
    board = ProblemBoard()
    board.replace(WEB, Topic.SOURCE, [ONE])
    board.replace(WEB, Topic.CONFLICT, [TWO])
    board.replace(API, Topic.SOURCE, [problem("other", API)])
    assert board.current() == (problem("other", API), TWO, ONE)
    board.replace(WEB, Topic.SOURCE, [])
    assert board.current() == (problem("other", API), TWO)


def test_a_problem_given_twice_is_one() -> None:
    board = ProblemBoard()
    board.replace(WEB, Topic.SOURCE, [ONE, ONE])
    assert board.take() == ((ONE,), ())


def test_E9_nothing_is_kept_once_it_was_told_as_cleared() -> None:
    board = ProblemBoard()
    board.replace(WEB, Topic.SOURCE, [ONE])
    board.take()
    board.replace(WEB, Topic.SOURCE, [])
    board.take()
    assert not board._current
    assert not board._told
    assert not board._touched
