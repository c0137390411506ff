"""Label and field selectors."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.manifest.kinds import NODE, SERVICE
from userproxy.manifest.selectors import FieldSelector, LabelSelector

LABELS = {"app": "web", "tier": "front", "empty": "", "example.com/team": "a.b_c"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        pytest.param("", True, id="empty matches everything"),
        pytest.param("  ", True, id="blank matches everything"),
        pytest.param("app=web", True, id="equal"),
        pytest.param("app==web", True, id="double equal"),
        pytest.param(" app = web , tier == front ", True, id="blanks are ignored"),
        pytest.param("app=web,tier=back", False, id="all must hold"),
        pytest.param("app=api", False, id="another value"),
        pytest.param("none=web", False, id="equal needs the label"),
        pytest.param("app!=api", True, id="not equal"),
        pytest.param("app!=web", False, id="not equal, same value"),
        pytest.param("none!=web", True, id="not equal holds without the label"),
        pytest.param("app in (api,web)", True, id="in"),
        pytest.param("app in(api)", False, id="not in the set"),
        pytest.param("none in (web)", False, id="in needs the label"),
        pytest.param("app notin (api, db)", True, id="notin"),
        pytest.param("app notin (api,web)", False, id="notin, in the set"),
        pytest.param("none notin (web)", True, id="notin holds without the label"),
        pytest.param("app", True, id="exists"),
        pytest.param("empty", True, id="exists with the empty value"),
        pytest.param("none", False, id="exists, missing"),
        pytest.param("!none", True, id="missing"),
        pytest.param("!app", False, id="missing, there"),
        pytest.param("! none", True, id="blank after the bang"),
        pytest.param("empty=", True, id="the empty value"),
        pytest.param("app=", False, id="the empty value, another one there"),
        pytest.param("empty=,app", True, id="the empty value in the middle"),
        pytest.param("empty in (,a)", True, id="the empty value in a set"),
        pytest.param("example.com/team=a.b_c", True, id="prefixed key"),
        pytest.param("!service.kubernetes.io/service-proxy-name", True, id="what kube-proxy asks for"),
        pytest.param("in in (in)", False, id="keywords as key and value"),
    ],
)
def test_label_selector_matches(text: str, matches: bool) -> None:
    selector = LabelSelector.parse(text)
    assert selector.matches(LABELS) is matches
    assert LabelSelector.parse(str(selector)) == selector


@pytest.mark.parametrize("labels", [None, 3, [], "app"])
def test_labels_that_are_no_mapping_count_as_none(labels: object) -> None:
    assert LabelSelector.parse("!app").matches(labels)
    assert not LabelSelector.parse("app").matches(labels)


def test_a_label_value_of_another_type_equals_no_text() -> None:
    assert not LabelSelector.parse("app=1").matches({"app": 1})
    assert not LabelSelector.parse("app in (a,b)").matches({"app": ["a"]})


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        pytest.param("b==2 , a = 1", "a=1,b=2", id="sorted by key, single equal"),
        pytest.param("a in (z, y,z)", "a in (y,z)", id="values sorted and distinct"),
        pytest.param("a in (z)", "a=z", id="a set of one"),
        pytest.param("a notin (z)", "a!=z", id="a negated set of one"),
        pytest.param("! a,b", "!a,b", id="existence"),
        pytest.param("a in (,)", "a=", id="two empty values are one"),
    ],
)
def test_label_selector_text_is_canonical(text: str, canonical: str) -> None:
    assert str(LabelSelector.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a=b,", "found the end, expected a label key", id="comma at the end"),
        pytest.param(",a", "found ',', expected a label key", id="comma at the start"),
        pytest.param("=b", "found '=', expected a label key", id="no key"),
        pytest.param("a=b=c", "found '=', expected ','", id="two operators"),
        pytest.param("a b", "found 'b', expected one of", id="two words"),
        pytest.param("a in b", "found 'b', expected '('", id="in without a set"),
        pytest.param("a in ()", "found ')', expected a value", id="empty set"),
        pytest.param("a in (b", "found the end, expected ',' or ')'", id="open set"),
        pytest.param("a>1", "found '>', expected one of", id="unknown operator"),
        pytest.param("!a=b", "found '=', expected ','", id="missing with a value"),
        pytest.param("-a=b", "key '-a' must be", id="bad key"),
        pytest.param("/a=b", "key '/a' must be", id="empty prefix"),
        pytest.param("Example.com/a=b", "key 'Example.com/a' must be", id="prefix in upper case"),
        pytest.param("example.com/=b", "key 'example.com/' must be", id="empty name"),
        pytest.param(f"{'k' * 64}=b", "must be at most 63", id="key of 64"),
        pytest.param(f"a={'v' * 64}", "at most 63 letters", id="value of 64"),
        pytest.param("a=b/c", "value 'b/c' must be empty or", id="slash in a value"),
        pytest.param("a=b!", "found '!', expected ','", id="bang in a value"),
    ],
)
def test_label_selector_refuses(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="label selector") as caught:
        LabelSelector.parse(text)
    assert said in str(caught.value)


def test_selectors_are_values_and_tell_whether_they_select() -> None:
    assert LabelSelector.parse("b,a") == LabelSelector.parse("a , b")
    assert not LabelSelector.parse("")
    assert LabelSelector.parse("a")
    assert not FieldSelector.parse("")
    assert FieldSelector.parse("a=b")


WEB = {
    "metadata": {"name": "web", "namespace": "default"},
    "type": "Opaque",
    "spec": {"clusterIP": "None", "unschedulable": True, "replicas": 3, "odd": "a,b=c\\d"},
}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        pytest.param("", True, id="empty matches everything"),
        pytest.param("metadata.name=web", True, id="equal"),
        pytest.param("metadata.name==web", True, id="double equal"),
        pytest.param("metadata.name!=web", False, id="not equal"),
        pytest.param("metadata.name=web,metadata.namespace=kube-system", False, id="all must hold"),
        pytest.param("spec.clusterIP!=None", False, id="headless is left out"),
        pytest.param("type=Opaque", True, id="one level"),
        pytest.param("spec.none=", True, id="absent reads as empty"),
        pytest.param("spec.none!=a", True, id="absent differs"),
        pytest.param("metadata.name.deeper=a", False, id="path below a text"),
        pytest.param("spec.unschedulable=true", True, id="boolean"),
        pytest.param("spec.replicas=", True, id="a number reads as empty"),
        pytest.param(r"spec.odd=a\,b\=c\\d", True, id="escapes"),
        pytest.param("metadata.name=web,", True, id="empty terms are skipped"),
    ],
)
def test_field_selector_matches(text: str, matches: bool) -> None:
    selector = FieldSelector.parse(text)
    assert selector.matches(WEB) is matches
    assert FieldSelector.parse(str(selector)) == selector


@pytest.mark.parametrize("raw", [None, 3, [], {"metadata": 4}, {"metadata": None}])
def test_field_selector_meets_any_object(raw: object) -> None:
    assert not FieldSelector.parse("metadata.name=web").matches(raw)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("metadata.name", id="no operator"),
        pytest.param("=web", id="no field"),
        pytest.param("!=web", id="no field, not equal"),
        pytest.param("a=b=c", id="unescaped equals sign"),
        pytest.param(r"a=b\n", id="unknown escape"),
        pytest.param("a=b\\", id="escape at the end"),
        pytest.param("a!b", id="half an operator"),
    ],
)
def test_field_selector_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="field selector"):
        FieldSelector.parse(text)


def test_fields_that_a_kind_cannot_be_selected_by() -> None:
    selector = FieldSelector.parse("metadata.name=web,spec.clusterIP!=None,spec.ports=1")
    assert selector.unsupported(SERVICE) == ("spec.ports",)
    assert selector.unsupported(NODE) == ("spec.clusterIP", "spec.ports")


@settings(deadline=None)
@given(st.text(alphabet="ab,=!()<> in/.-\\", max_size=20))
def test_parsing_either_refuses_or_gives_text_that_means_the_same(text: str) -> None:
    for selector_type in (LabelSelector, FieldSelector):
        try:
            selector = selector_type.parse(text)
        except ValueError:
            continue
        assert selector_type.parse(str(selector)) == selector
