"""ObjectSet: only differences are said, one version of each object serves, Endpoints are mirrored."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.errors import ConfigError
from userproxy.model.endpoints import EndpointSlice
from userproxy.model.events import Delete, Event, Rejected, SourceProblems, Upsert
from userproxy.model.names import Family, ObjectRef
from userproxy.model.node import Node
from userproxy.model.problems import Problem, Severity
from userproxy.model.service import Service
from userproxy.sources.contents import Contents, Selection, read_contents
from userproxy.sources.documents import read_documents
from userproxy.sources.objects import ObjectSet

A, B, C = (ObjectRef("file", "", name) for name in ("a.yaml", "b.yaml", "c.yaml"))
WEB = ObjectRef("Service", "default", "web")


SERVICE, ENDPOINTS = (f"kind: {kind}\napiVersion: v1\n" for kind in ("Service", "Endpoints"))


def contents(text: str, source: ObjectRef = A, selection: Selection | None = None) -> Contents:
    return read_contents(read_documents(text), source.name, selection or Selection())


def replace(objects: ObjectSet, source: ObjectRef, text: str) -> list[Event]:
    return objects.replace(source, contents(text, source))


def service(name: str = "web", port: object = 80, more: str = "") -> str:
    return (
        f"---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n"
        f"spec: {{ports: [{{port: {port}}}]{more}}}\n"
    )


def endpoints(address: str = "10.0.0.1", name: str = "web") -> str:
    return (
        f"---\napiVersion: v1\nkind: Endpoints\nmetadata: {{name: {name}}}\n"
        f"subsets: [{{addresses: [{{ip: {address}}}], ports: [{{port: 9000}}]}}]\n"
    )


def endpoint_slice(name: str = "web-1", address: str = "10.0.0.1") -> str:
    return (
        f"---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n"
        f"metadata: {{name: {name}, labels: {{kubernetes.io/service-name: web}}}}\n"
        f"ports: [{{port: 9000}}]\nendpoints: [{{addresses: [{address}]}}]\n"
    )


def services(events: list[Event]) -> list[Service]:
    return [
        event.object for event in events if isinstance(event, Upsert) and isinstance(event.object, Service)
    ]


def slices(events: list[Event]) -> list[EndpointSlice]:
    upserts = (event.object for event in events if isinstance(event, Upsert))
    return [decoded for decoded in upserts if isinstance(decoded, EndpointSlice)]


def problems(events: list[Event], source: ObjectRef) -> tuple[Problem, ...]:
    """What the last event says of ``source``."""
    return [event for event in events if isinstance(event, SourceProblems) and event.source == source][
        -1
    ].problems


def test_only_what_changed_is_said() -> None:
    objects = ObjectSet()
    assert [found.name for found in services(replace(objects, A, service("web") + service("db")))] == [
        "db",
        "web",
    ]
    assert replace(objects, A, service("web") + service("db")) == []
    (changed,) = replace(objects, A, service("web") + service("db", 81))
    assert isinstance(changed, Upsert)
    assert changed.object.name == "db"
    assert replace(objects, A, service("web")) == [Delete(ObjectRef("Service", "default", "db"))]
    assert objects.remove(A) == [Delete(WEB)]
    assert objects.remove(A) == []


def test_a_text_that_says_the_same_in_other_words_is_no_change() -> None:
    objects = ObjectSet()
    replace(objects, A, service("web"))
    same = '{"kind": "Service", "spec": {"ports": [{"protocol": "TCP", "port": 80}]}, "apiVersion": "v1",'
    assert replace(objects, A, same + '"metadata": {"name": "web", "labels": {"a": "b"}}}') == []


def test_what_comes_is_said_before_what_goes() -> None:
    objects = ObjectSet()
    replace(objects, A, endpoint_slice("web-1"))
    came, went = replace(objects, A, endpoint_slice("web-2"))
    assert isinstance(came, Upsert)
    assert went == Delete(ObjectRef("EndpointSlice", "default", "web-1"))


def test_D3_lists_are_unpacked_and_kinds_that_are_not_read_are_counted() -> None:
    text = (
        "kind: List\napiVersion: v1\nitems:\n"
        "- {kind: Deployment, apiVersion: apps/v1, metadata: {name: web}}\n"
        "- {kind: Service, apiVersion: v1, metadata: {name: web}, spec: {ports: [{port: 70000}]}}\n"
        "- {kind: Node, apiVersion: v1, metadata: {name: n1}}\n"
        "- {kind: Namespace, apiVersion: v1, metadata: {name: ns}}\n"
        "---\n{kind: Secret, apiVersion: v1}\n---\n{kind: Secret, apiVersion: v1}\n"
    )
    objects = ObjectSet()
    node, rejected = replace(objects, A, text)
    assert isinstance(node, Upsert)
    assert isinstance(node.object, Node)
    assert isinstance(rejected, Rejected)
    assert rejected.ref == WEB
    assert {problem.origin for problem in rejected.problems} == {"a.yaml, document 1, item 2"}
    assert objects.skipped == {"Deployment": 1, "Secret": 2}
    objects.remove(A)
    assert objects.skipped == {}


def test_D3_an_unknown_version_of_a_known_kind_is_an_error_for_that_object() -> None:
    events = replace(ObjectSet(), A, service("web").replace("v1", "v2") + service("db"))
    upsert, rejected = events
    assert isinstance(upsert, Upsert)
    assert isinstance(rejected, Rejected)
    assert [(problem.field, problem.value) for problem in rejected.problems] == [("apiVersion", "v2")]


@pytest.mark.spec("D1", "D2", "D3")
def test_objects_are_completed() -> None:
    (found_slice, found) = (
        event.object
        for event in replace(ObjectSet(), A, service() + endpoint_slice())
        if isinstance(event, Upsert)
    )
    assert isinstance(found, Service)
    assert (found.namespace, found.ports[0].protocol) == ("default", "TCP")
    assert isinstance(found_slice, EndpointSlice)
    assert (found_slice.ports[0].name, found_slice.ports[0].protocol) == ("", "TCP")


def test_D7_a_bad_version_is_said_as_rejected_and_not_as_gone() -> None:
    objects = ObjectSet()
    replace(objects, A, service("web") + service("db"))
    (rejected,) = replace(objects, A, service("web", 70000) + service("db"))
    assert isinstance(rejected, Rejected)
    (problem,) = rejected.problems
    assert str(problem).startswith("a.yaml, document 1: Service default/web: spec.ports[0].port = 70000: ")
    (mended,) = replace(objects, A, service("web") + service("db"))
    assert isinstance(mended, Upsert)


@pytest.mark.parametrize(
    ("document", "field", "value"),
    [
        pytest.param("5", "", "5", id="number"),
        pytest.param("[1, 2]", "", "list of 2", id="list"),
        pytest.param("text", "", "text", id="text"),
        pytest.param("{kind: List, items: [null]}", "", "null", id="null in a list"),
        pytest.param("{kind: List, items: 5}", "items", "5", id="items that are no list"),
        pytest.param("{kind: ServiceList, items: {}}", "items", "object of 0", id="items of a typed list"),
        pytest.param("{apiVersion: v1, metadata: {name: x}}", "kind", "", id="no kind"),
        pytest.param(SERVICE, "metadata.name", "", id="no metadata"),
        pytest.param(SERVICE + "metadata: []", "metadata", "list of 0", id="metadata is a list"),
        pytest.param(SERVICE + "metadata: {name: W!}", "metadata.name", "W!", id="bad name"),
        pytest.param(
            SERVICE + "metadata: {name: x, namespace: 5}", "metadata.namespace", "5", id="namespace"
        ),
        pytest.param(ENDPOINTS, "metadata.name", "", id="Endpoints without a name"),
        pytest.param(ENDPOINTS[:-2] + "2\nmetadata: {name: x}", "apiVersion", "v2", id="Endpoints of v2"),
        pytest.param(
            ENDPOINTS + "metadata: {name: x}\nsubsets: 5", "subsets", "5", id="Endpoints with a number"
        ),
    ],
)
def test_D7_an_object_without_identity_is_reported_and_nothing_goes_meanwhile(
    document: str, field: str, value: str
) -> None:
    objects = ObjectSet()
    replace(objects, A, service("web") + service("db"))
    events = replace(objects, A, service("db", 81) + "---\n" + document)
    assert [found.name for found in services(events)] == ["db"], "the other object changes"
    assert len(events) == 2
    assert (field, value) in [(problem.field, problem.value) for problem in problems(events, A)]
    assert {problem.origin.partition(", item")[0] for problem in problems(events, A)} == {
        "a.yaml, document 2"
    }
    assert replace(objects, A, service("db", 81)) == [Delete(WEB), SourceProblems(A, ())]


def test_what_stays_for_an_object_without_identity_stays_as_long_as_that() -> None:
    objects = ObjectSet()
    replace(objects, A, service("web") + service("db"))
    replace(objects, A, service("web") + "---\n5")
    assert [type(event) for event in replace(objects, A, service("web", 81) + "---\n6")] == [
        Upsert,
        SourceProblems,
    ]
    events = replace(objects, A, service("web", 81))
    assert events == [Delete(ObjectRef("Service", "default", "db")), SourceProblems(A, ())]


def test_of_one_object_in_two_files_the_first_serves_and_the_other_is_reported() -> None:
    objects = ObjectSet()
    replace(objects, B, service("db") + service("web", 81))
    (taken, reported) = replace(objects, A, service("web", 80))
    assert [found.ports[0].port for found in services([taken])] == [80]
    assert isinstance(reported, SourceProblems)
    assert reported.source == B
    (problem,) = reported.problems
    assert (problem.object, problem.origin, problem.severity) == (WEB, "b.yaml, document 2", Severity.ERROR)
    assert "a.yaml, document 1" in problem.message
    assert replace(objects, B, service("db") + service("web", 82)) == [], "it is not the one that serves"
    events = objects.remove(A)
    assert [found.ports[0].port for found in services(events)] == [82]
    assert events[1:] == [SourceProblems(B, ())]


def test_the_second_of_three_takes_over() -> None:
    objects = ObjectSet()
    for source, port in ((C, 83), (B, 82), (A, 81)):
        replace(objects, source, service("web", port))
    events = objects.remove(A)
    assert [found.ports[0].port for found in services(events)] == [82]
    assert problems(events, B) == ()
    assert "b.yaml" in problems(events, C)[0].message


def test_a_second_version_that_says_the_same_takes_over_without_a_change() -> None:
    objects = ObjectSet()
    replace(objects, A, service("web"))
    replace(objects, B, service("web"))
    assert objects.remove(A) == [SourceProblems(B, ())]


def test_of_one_object_twice_in_a_file_the_first_serves() -> None:
    objects = ObjectSet()
    events = replace(objects, A, service("web", 80) + service("web", 81))
    assert [found.ports[0].port for found in services(events)] == [80]
    (problem,) = problems(events, A)
    assert problem.origin == "a.yaml, document 2"
    events = replace(objects, A, service("web", 81))
    assert [found.ports[0].port for found in services(events)] == [81]
    assert problems(events, A) == ()


def test_duplicate_keys_are_a_warning_with_their_place() -> None:
    objects = ObjectSet()
    text = service("db") + service("web").replace("{name: web}", "{name: db2, name: web}")
    events = replace(objects, A, text)
    (problem,) = problems(events, A)
    assert (problem.object, problem.field, problem.severity) == (WEB, "name", Severity.WARNING)
    assert problem.origin == "a.yaml, document 2, line 9, column 23"
    assert len(services(events)) == 2


def test_complaints_leave_the_objects_alone() -> None:
    objects = ObjectSet()
    replace(objects, A, service("web") + "---\n5")
    (own,) = objects.current()[-1].problems  # type: ignore[union-attr]  # the last is what is wrong with A
    complaint = Problem(A, "line 1, column 2", "", "D7", "is not YAML")
    assert objects.complain(A, (complaint,)) == [SourceProblems(A, (complaint, own))]
    assert objects.complain(A, (complaint,)) == []
    assert objects.complain(A, ()) == [SourceProblems(A, (own,))]
    objects.complain(A, (complaint,))
    assert objects.remove(A) == [Delete(WEB), SourceProblems(A, ())]


def test_problems_of_a_source_are_bounded() -> None:
    events = replace(ObjectSet(), A, "---\n5\n" * 150)
    found = problems(events, A)
    assert len(found) == 101
    assert "50 more" in found[-1].message


def test_D6_endpoints_are_mirrored_while_their_service_is_there_and_has_no_selector() -> None:
    objects = ObjectSet()
    assert replace(objects, B, endpoints()) == [], "no Service yet"
    events = replace(objects, A, service("web"))
    (mirrored,) = slices(events)
    assert (mirrored.service_name, mirrored.endpoints[0].address, mirrored.ports[0].port) == (
        "web",
        "10.0.0.1",
        9000,
    )
    (moved,) = slices(replace(objects, B, endpoints("10.0.0.2")))
    assert moved.name == mirrored.name, "the same slice, changed"
    selects = service("web", more=", selector: {app: web}")
    assert Delete(mirrored.ref) in replace(objects, A, selects), "the Service has a selector now"
    assert slices(replace(objects, A, service("web"))) == [moved]
    assert Delete(mirrored.ref) in objects.remove(A), "the Service went"
    assert slices(replace(objects, A, service("web"))) == [moved]
    assert objects.remove(B) == [Delete(mirrored.ref)], "the Endpoints went"


def test_D6_host_names_and_pods_are_mirrored_too() -> None:
    named = endpoints().replace(
        "{ip: 10.0.0.1}",
        "{ip: 10.0.0.1, hostname: db-0, targetRef: {kind: Pod, name: web-0, namespace: default}}",
    )
    (mirrored,) = slices(replace(ObjectSet(), A, service("web") + named))
    (endpoint,) = mirrored.endpoints
    assert (endpoint.hostname, endpoint.pod) == ("db-0", "web-0")


def test_D6_families_and_port_sets_that_vanish_take_their_slices_along() -> None:
    objects = ObjectSet()
    both = endpoints().replace("{ip: 10.0.0.1}", "{ip: 10.0.0.1}, {ip: 'fd00::1'}")
    found = slices(replace(objects, A, service("web") + both))
    assert {each.address_type for each in found} == {Family.IPV4, Family.IPV6}
    (gone,) = [each.ref for each in found if each.address_type is Family.IPV6]
    assert replace(objects, A, service("web") + endpoints()) == [Delete(gone)]


def test_D6_what_mirroring_leaves_out_is_reported() -> None:
    events = replace(ObjectSet(), A, service("web") + endpoints("nonsense"))
    (problem,) = problems(events, A)
    assert problem.object == ObjectRef("Endpoints", "default", "web")
    assert (problem.field, problem.value) == ("subsets[0].addresses[0].ip", "nonsense")
    assert problem.origin == "a.yaml, document 2"


def test_D6_a_stated_slice_of_the_same_name_serves() -> None:
    objects = ObjectSet()
    (mirrored,) = slices(replace(objects, B, service("web") + endpoints()))
    (stated, said) = (
        slices(replace(objects, C, endpoint_slice(mirrored.name, "10.0.0.9"))),
        objects.current(),
    )
    assert stated[0].endpoints[0].address == "10.0.0.9"
    assert not any(isinstance(event, SourceProblems) for event in said)
    assert slices(objects.remove(C)) == [mirrored]


def test_D6_endpoints_in_two_files_are_one_object() -> None:
    objects = ObjectSet()
    replace(objects, B, service("web") + endpoints("10.0.0.2"))
    (mirrored,) = slices(replace(objects, A, endpoints("10.0.0.1")))
    assert mirrored.endpoints[0].address == "10.0.0.1"
    (other,) = slices(objects.remove(A))
    assert other.endpoints[0].address == "10.0.0.2"


def selected(text: str, *, namespaces: tuple[str, ...] = (), selector: str = "") -> list[str]:
    read = contents(text, selection=Selection.parse(namespaces, selector))
    return [str(item.ref) for item in read.items]


def test_namespaces_limit_all_that_has_one() -> None:
    text = (
        service("web")
        + service("web").replace("{name: web}", "{name: web, namespace: other}")
        + endpoint_slice()
        + endpoints().replace("{name: web}", "{name: web, namespace: other}")
        + "---\n{kind: Node, apiVersion: v1, metadata: {name: n1}}\n"
    )
    assert selected(text, namespaces=("other",)) == ["Service other/web", "Endpoints other/web", "Node n1"]
    assert len(selected(text, namespaces=("other", "default"))) == 5
    assert len(selected(text)) == 5


def test_a_label_selector_limits_services_only() -> None:
    labelled = service("db").replace("{name: db}", "{name: db, labels: {app: db}}")
    text = service("web") + labelled + endpoint_slice()
    assert selected(text, selector="app=db") == ["Service default/db", "EndpointSlice default/web-1"]
    assert selected(text, selector="!app") == ["Service default/web", "EndpointSlice default/web-1"]


def test_D7_labels_that_cannot_be_read_are_not_taken_for_no_labels() -> None:
    bad = service("web").replace("{name: web}", "{name: web, labels: 5}")
    assert selected(bad, selector="app=web") == ["Service default/web"]


def test_a_service_that_is_no_longer_selected_goes() -> None:
    selection = Selection.parse((), "app=web")
    objects = ObjectSet()
    text = service("web").replace("{name: web}", "{name: web, labels: {app: web}}")
    objects.replace(A, contents(text, selection=selection))
    assert objects.replace(A, contents(service("web"), selection=selection)) == [Delete(WEB)]


def test_a_bad_selector_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="a=b=c"):
        Selection.parse((), "a=b=c")


TEXTS = st.lists(
    st.sampled_from(
        [
            *(service(name, port) for name in ("web", "db") for port in (80, 81, 70000)),
            service("web", more=", selector: {app: web}"),
            endpoints("10.0.0.1"),
            endpoints("10.0.0.2"),
            endpoint_slice("web-1", "10.0.0.3"),
            endpoint_slice("web-2", "10.0.0.4"),
            "---\n{kind: Secret}\n",
        ]
    ),
    max_size=4,
).map("".join)


def fold(world: dict[ObjectRef, object], events: list[Event]) -> None:
    for event in events:
        if isinstance(event, Upsert):
            world[event.object.ref] = event
        elif isinstance(event, Rejected):
            world[event.ref] = event
        elif isinstance(event, Delete):
            assert world.pop(event.ref, None) is not None, "only what was said can go"
        elif isinstance(event, SourceProblems):
            assert world.get(event.source, ()) != event.problems, "only changes are said"
            world[event.source] = event.problems
            if not event.problems:
                del world[event.source]


def meaning(events: list[Event]) -> Mapping[ObjectRef, object]:
    world: dict[ObjectRef, object] = {}
    fold(world, events)
    return world


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([A, B, C]), st.none() | TEXTS), max_size=8))
def test_any_history_leads_to_what_its_end_says(history: list[tuple[ObjectRef, str | None]]) -> None:
    objects, last = ObjectSet(), dict[ObjectRef, str]()
    world: dict[ObjectRef, object] = {}
    for source, text in history:
        if text is None:
            fold(world, objects.remove(source))
            last.pop(source, None)
        else:
            fold(world, replace(objects, source, text))
            last[source] = text
    fresh = ObjectSet()
    for source in sorted(last):
        replace(fresh, source, last[source])
    assert meaning(objects.current()) == world == meaning(fresh.current())
