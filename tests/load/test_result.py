"""Results add up: over processes, and over files of other machines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.load.results import result
from userproxy.load.json_form import FORMAT, ResultFileError, from_json, parse_result, to_json
from userproxy.load.marks import Mark
from userproxy.load.result import MergeError, Result, merge
from userproxy.load.tally import MAX_NAMES, OTHERS, Second

LATENCIES = st.lists(st.floats(0, 10_000), min_size=1, max_size=50)


def parts() -> list[Result]:
    first = result(latencies_ms=[1, 2], errors={"timeout": 1}, due=5)
    second = result(latencies_ms=[3], errors={"timeout": 2, "lost": 1})
    first.window.names = {"one": 2}
    second.window.names = {"one": 1, "two": 4}
    first.seconds = [Second(answered=2), Second(failed=1)]
    second.seconds = [Second(answered=1)]
    first.marks = [Mark(7.0, "route_changed", ""), Mark(5.0, "route_changed", "")]
    second.marks = [Mark(7.0, "route_changed", "")]
    return [first, second]


def test_counts_rates_and_connections_add_up() -> None:
    whole = merge(parts())
    window = whole.window
    assert (window.due, window.sent, window.answered, window.failed, window.not_sent) == (9, 7, 3, 4, 2)
    assert window.errors == {"timeout": 3, "lost": 1}
    assert window.names == {"one": 3, "two": 4}
    assert (whole.rate, whole.connections, len(whole.work)) == (200.0, 128, 2)
    assert [(second.answered, second.failed) for second in whole.seconds] == [(3, 0), (0, 1)]
    assert [mark.at_s for mark in whole.marks] == [5.0, 7.0]
    assert "200 requests/s" in whole.model


@given(several=st.lists(LATENCIES, min_size=1, max_size=4))
def test_latencies_add_exactly(several: list[list[float]]) -> None:
    whole = merge([result(latencies_ms=latencies) for latencies in several])
    together = result(latencies_ms=[latency for latencies in several for latency in latencies])
    assert whole.window.latency == together.window.latency
    assert whole.window.service == together.window.service


@given(latencies=LATENCIES)
def test_a_file_brings_the_result_back(latencies: list[float]) -> None:
    there = result(latencies_ms=latencies, errors={"timeout": 3})
    there.seconds = parts()[0].seconds
    there.marks = parts()[0].marks
    back = parse_result(json.dumps(to_json(there)), "A.json")
    assert back == there


def test_the_sum_of_files_is_the_sum_of_the_results() -> None:
    files = [parse_result(json.dumps(to_json(part)), "file") for part in parts()]
    assert merge(files) == merge(parts())


def test_names_stay_bounded() -> None:
    several = parts()
    for number, part in enumerate(several):
        part.window.names = {f"{number}-{name}": 1 for name in range(MAX_NAMES)}
    names = merge(several).window.names
    assert len(names) <= MAX_NAMES + 1
    assert names[OTHERS] == 100
    assert sum(names.values()) == 200


@pytest.mark.parametrize(
    ("field", "other"), [("url", "http://127.0.0.1:9/"), ("loop", "closed"), ("step_s", 7)]
)
def test_parts_of_different_loads_are_refused(field: str, other: str) -> None:
    first, second = parts()
    setattr(second, field, other)
    with pytest.raises(MergeError, match=f"{field} differs"):
        merge([first, second])


def changed(**fields: object) -> dict[str, Any]:
    return {**to_json(result()), **fields}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a result of userproxy load"),
        ('{"kind": "other"}', "not a result of userproxy load"),
        (json.dumps(changed(format=FORMAT + 1)), f"format {FORMAT + 1}; this version reads format {FORMAT}"),
        (json.dumps(changed(window=None)), "damaged"),
        (json.dumps(changed(seconds=[{}])), "damaged"),
        (json.dumps(changed(rate="fast")), "damaged"),
        (json.dumps(changed(duration_s=-1)), "damaged"),
        (json.dumps(changed(url=7)), "damaged"),
        (json.dumps(changed(step_s=0)), "damaged"),
        (json.dumps(changed(not_opened={"x": -1})), "damaged"),
        (json.dumps(changed(connect={"bits": 5, "buckets_ns": []})), "damaged"),
        (json.dumps(changed(connect={"bits": 11, "buckets_ns": [[1.5, 1]]})), "damaged"),
    ],
)
def test_a_file_that_is_no_result_is_refused_by_name(text: str, wrong: str) -> None:
    with pytest.raises(ResultFileError, match=r"^A\.json: ") as refused:
        parse_result(text, "A.json")
    assert wrong in str(refused.value)


@given(
    name=st.sampled_from(sorted(to_json(result()))),
    value=st.none() | st.booleans() | st.text() | st.integers() | st.lists(st.integers()) | st.just({}),
)
def test_a_damaged_field_is_refused_or_harmless(name: str, value: object) -> None:
    try:
        read = from_json(changed(**{name: value}), "A.json")
    except ResultFileError:
        return
    merge([read, read])
