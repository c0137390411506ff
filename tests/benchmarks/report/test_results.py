"""Result files that can be read, and those that cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.document import FORMAT
from benchmarks.errors import FileError
from benchmarks.report.results import load, parse
from tests.benchmarks.windows import document_of, measurement, results


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(
        json.dumps(document_of([measurement("haproxy", 0, 0.02), measurement("haproxy", 1, 0.03)]))
    )
    found = load(path)
    assert (found.name, found.rounds) == ("one.json", 2)
    series = found.series["requests-64", "haproxy"]
    assert series.values("cost") == pytest.approx({0: 20.0, 1: 30.0})
    assert series.values("rate") == {0: 1000.0, 1: 1000.0}


def test_ratios_pair_the_values_of_one_round() -> None:
    found = results({"userproxy": [2.0, 9.0, 30.0], "haproxy": [1.0, 6.0]})
    assert found.ratios("requests-64", "cost", "userproxy", "haproxy") == pytest.approx({0: 2.0, 1: 1.5})
    assert found.ratio("requests-64", "cost", "userproxy", "nobody") is None


def test_a_failure_takes_the_figures_away() -> None:
    found = results({"userproxy": [2.0], "haproxy": [1.0]}, failed=["haproxy"])
    assert found.series["requests-64", "haproxy"].spread("cost") is None
    assert found.ratio("requests-64", "cost", "userproxy", "haproxy") is None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        pytest.param("{", "x.json: is no JSON", id="no JSON"),
        pytest.param("[]", "x.json: is no result file", id="a list"),
        pytest.param("{}", "x.json: is no result file", id="another object"),
        pytest.param('{"format": 1}', f"x.json: is of format 1; this version reads {FORMAT}", id="old"),
        pytest.param(f'{{"format": {FORMAT}, "mode": "soak"}}', "x.json: is a result of soak", id="soak"),
        pytest.param(f'{{"format": {FORMAT}, "mode": "forwarding"}}', "x.json: is damaged", id="half of it"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path: Path, text: str, wrong: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(FileError) as raised:
        load(path)
    assert wrong in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        load(tmp_path / "none.json")


@pytest.mark.parametrize("field", ["cpu_s", "latency_ms", "round", "case", "seconds"])
def test_a_damaged_measurement_is_refused(field: str) -> None:
    raw = json.loads(json.dumps(document_of([measurement("haproxy", 0, 0.02)])))
    raw["measurements"][0][field] = None
    with pytest.raises(FileError, match="is damaged"):
        parse(raw, "x.json")
