"""Which request comes next, and at which version (rules R3, R4, R5): the table, row by row."""

from __future__ import annotations

import itertools

import pytest

from userproxy.errors import ApiError, CredentialsError, ResourceExpired, UserproxyError, WatchError
from userproxy.sources.kube.failures import (
    ClusterChanged,
    ContinueExpired,
    EndedEarly,
    NotKubernetes,
    Undecodable,
    Unreachable,
    WrongAnswer,
)
from userproxy.sources.kube.positions import (
    PAGE_SIZE,
    Failure,
    Pause,
    Position,
    Request,
    after,
    failure_of,
    listed,
)

LIST, WATCH = Request.LIST, Request.WATCH
AT_ONCE, BACK_OFF = Pause.AT_ONCE, Pause.BACK_OFF


def test_R3_the_first_list_is_at_0_in_pages() -> None:
    first = Position()
    assert (first.request, first.version, first.limit) == (LIST, "0", 500)


def test_R4_a_list_is_followed_by_a_watch_from_its_version() -> None:
    assert listed(Position(), "7", pages=1) == Position(WATCH, "7")


@pytest.mark.parametrize(
    ("position", "failure", "following", "pause"),
    [
        pytest.param(Position(), Failure.OTHER, (LIST, "0"), BACK_OFF, id="R3 first list fails: 0 again"),
        pytest.param(Position(), Failure.REFUSED, (LIST, "0"), BACK_OFF, id="R6 first list refused"),
        pytest.param(
            Position(), Failure.TOO_MANY_REQUESTS, (LIST, "0"), BACK_OFF, id="R5 first list meets 429"
        ),
        pytest.param(
            Position(LIST, "7"),
            Failure.OTHER,
            (LIST, "7"),
            BACK_OFF,
            id="R3 later list fails: last seen again",
        ),
        pytest.param(
            Position(LIST, "7"), Failure.EXPIRED, (LIST, ""), AT_ONCE, id="R3 list expired: newest, at once"
        ),
        pytest.param(
            Position(LIST, "0"),
            Failure.CONTINUE_EXPIRED,
            (LIST, ""),
            AT_ONCE,
            id="R3 continue token expired: list restarts",
        ),
        pytest.param(
            Position(WATCH, "7"), Failure.EXPIRED, (LIST, ""), AT_ONCE, id="R5 watch expired: list, at once"
        ),
        pytest.param(
            Position(WATCH, "7"),
            Failure.REFUSED,
            (WATCH, "7"),
            BACK_OFF,
            id="R5 watch refused by connection: watch again, no list",
        ),
        pytest.param(
            Position(WATCH, "7"),
            Failure.TOO_MANY_REQUESTS,
            (WATCH, "7"),
            BACK_OFF,
            id="R5 watch refused by 429: watch again, no list",
        ),
        pytest.param(
            Position(WATCH, "7"),
            Failure.ENDED_EARLY,
            (LIST, "7"),
            BACK_OFF,
            id="R5 watch over in under 1 s: list at the last version",
        ),
        pytest.param(
            Position(WATCH, "7"),
            Failure.OTHER,
            (LIST, "7"),
            BACK_OFF,
            id="R5 other watch errors: list at the last version",
        ),
        pytest.param(
            Position(WATCH, "7"),
            Failure.UNDECODABLE,
            (LIST, "7"),
            BACK_OFF,
            id="R8 undecodable event: list at the last version",
        ),
    ],
)
def test_R3_R5_what_is_asked_after_a_failure(
    position: Position, failure: Failure, following: tuple[Request, str], pause: Pause
) -> None:
    found, found_pause = after(position, failure)
    assert ((found.request, found.version), found_pause) == (following, pause)


def test_R3_R5_every_failure_has_a_row() -> None:
    only_of_a_list, only_of_a_watch = {Failure.CONTINUE_EXPIRED}, {Failure.UNDECODABLE, Failure.ENDED_EARLY}
    for request, failure in itertools.product(Request, Failure):
        if failure in (only_of_a_watch if request is LIST else only_of_a_list):
            continue
        after(Position(request, "7"), failure)


class TestLimit:
    @pytest.mark.parametrize(
        ("position", "limit"),
        [
            pytest.param(Position(version="0"), PAGE_SIZE, id="at 0"),
            pytest.param(Position(version=""), PAGE_SIZE, id="at the newest"),
            pytest.param(Position(version="7"), None, id="none at a known version"),
            pytest.param(Position(version="7", paged=True), PAGE_SIZE, id="if the first list was paged"),
        ],
    )
    def test_R3_limit(self, position: Position, limit: int | None) -> None:
        assert position.limit == limit

    def test_R3_only_the_first_list_says_whether_the_server_pages(self) -> None:
        assert listed(Position(), "7", pages=2).paged
        assert not listed(Position(), "7", pages=1).paged
        assert not listed(Position(version=""), "7", pages=2).paged

    def test_R3_a_list_whose_token_expired_restarts_whole(self) -> None:
        restarted, _ = after(Position(version="0"), Failure.CONTINUE_EXPIRED)
        assert restarted.limit is None
        again, _ = after(restarted, Failure.OTHER)
        assert again.limit == PAGE_SIZE
        assert not listed(restarted, "7", pages=1).whole


class TestExpiryInACircle:
    def test_R5_the_second_expiry_in_a_row_backs_off(self) -> None:
        once, first = after(Position(WATCH, "7"), Failure.EXPIRED)
        _, second = after(listed(once, "8", pages=1), Failure.EXPIRED)
        assert (first, second) == (AT_ONCE, BACK_OFF)

    def test_R3_an_expired_list_at_the_newest_version_backs_off(self) -> None:
        once, _ = after(Position(LIST, "7"), Failure.EXPIRED)
        twice, pause = after(once, Failure.EXPIRED)
        assert (twice.version, pause) == ("", BACK_OFF)

    def test_R5_a_watch_that_lasted_makes_the_next_expiry_be_answered_at_once(self) -> None:
        once, _ = after(Position(WATCH, "7"), Failure.EXPIRED)
        _, pause = after(listed(once, "8", pages=1).lasted(), Failure.EXPIRED)
        assert pause is AT_ONCE


def test_R4_every_event_moves_the_version() -> None:
    assert Position(WATCH, "7").moved("9") == Position(WATCH, "9")
    assert Position(WATCH, "7").moved("") == Position(WATCH, "7")


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        pytest.param(ResourceExpired("", status=410), Failure.EXPIRED, id="410"),
        pytest.param(ContinueExpired("", status=410), Failure.CONTINUE_EXPIRED, id="410 on a token"),
        pytest.param(Unreachable(""), Failure.REFUSED, id="no connection"),
        pytest.param(CredentialsError(""), Failure.REFUSED, id="no credentials"),
        pytest.param(ApiError("", status=429), Failure.TOO_MANY_REQUESTS, id="429"),
        pytest.param(ApiError("", status=401), Failure.OTHER, id="401"),
        pytest.param(ApiError("", status=403), Failure.OTHER, id="403"),
        pytest.param(ApiError("", status=503), Failure.OTHER, id="503"),
        pytest.param(Undecodable(""), Failure.UNDECODABLE, id="undecodable"),
        pytest.param(EndedEarly(""), Failure.ENDED_EARLY, id="ended early"),
        pytest.param(ClusterChanged(""), Failure.EXPIRED, id="a version of another cluster"),
        pytest.param(WrongAnswer(""), Failure.OTHER, id="wrong kind"),
        pytest.param(NotKubernetes(""), Failure.OTHER, id="no Kubernetes"),
        pytest.param(WatchError(""), Failure.OTHER, id="cut or silent"),
    ],
)
def test_R5_which_row_an_error_belongs_to(error: UserproxyError, failure: Failure) -> None:
    assert failure_of(error) is failure
