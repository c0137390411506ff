"""Only differences are told."""

from __future__ import annotations

import pytest

from tests.sources.kube.raw import service
from userproxy.model.decode import decode_service
from userproxy.model.events import Delete
from userproxy.model.names import ObjectRef
from userproxy.sources.kube.known import Known

WEB = ObjectRef("Service", "default", "web")
API = ObjectRef("Service", "default", "api")


@pytest.mark.spec("E10", "S11")
def test_what_changes_nothing_is_not_told_again() -> None:
    known = Known()
    first = decode_service(service("web", "1"))
    assert known.changed(WEB, first) is first
    assert known.changed(WEB, decode_service(service("web", "2"))) is None, "only the version differs"

    other = decode_service(service("web", "3", port=81))
    assert known.changed(WEB, other) is other


def test_D7_a_refusal_is_news_and_so_is_the_good_version_after_it() -> None:
    known = Known()
    good = decode_service(service("web", "1"))
    refused = decode_service({**service("web", "2"), "spec": []})
    assert [known.changed(WEB, event) for event in (good, refused, refused, good)] == [
        good,
        refused,
        None,
        good,
    ]


def test_E10_an_unknown_object_is_not_deleted() -> None:
    known = Known()
    known.changed(WEB, decode_service(service("web")))
    assert [known.deleted(WEB), known.deleted(WEB)] == [Delete(WEB), None]


def test_R5_what_a_list_does_not_hold_has_vanished() -> None:
    known = Known()
    known.changed(WEB, decode_service(service("web")))
    known.changed(API, decode_service(service("api")))

    assert list(known.keep_only({WEB, ObjectRef("Service", "default", "new")})) == [Delete(API)]
    assert len(known) == 1
    assert list(known.keep_only(set())) == [Delete(WEB)]
