"""The picture: who called whom, and how often."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks.profile.flame_graph import NARROWEST, WIDTH, flame_graph

SVG = "{http://www.w3.org/2000/svg}"


def boxes(text: str) -> dict[str, tuple[float, float, float]]:
    """Left, top and width of each box, by what it says when it is pointed at."""
    found = {}
    for group in ElementTree.fromstring(text).iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        assert rect is not None
        found[group.findtext(f"{SVG}title", "")] = (
            float(rect.get("x", "")),
            float(rect.get("y", "")),
            float(rect.get("width", "")),
        )
    return found


def test_width_is_how_often_and_height_is_who_called_whom() -> None:
    found = boxes(flame_graph({("main", "read"): 6, ("main", "write"): 3, ("main",): 1}, "title"))
    assert found.keys() == {"all: 100.0%", "main: 100.0%", "read: 60.0%", "write: 30.0%"}
    main, read, write = found["main: 100.0%"], found["read: 60.0%"], found["write: 30.0%"]
    assert main[2] == pytest.approx(WIDTH)
    assert read[2] == pytest.approx(WIDTH * 0.6, abs=0.1)
    assert write[0] == pytest.approx(read[0] + read[2], abs=0.1)
    assert found["all: 100.0%"][1] < main[1] < read[1] == write[1]


def test_one_function_in_two_places_has_two_boxes() -> None:
    text = flame_graph({("a", "read"): 1, ("b", "read"): 1}, "title")
    assert text.count("<title>read: 50.0%</title>") == 2


def test_names_cannot_break_the_picture() -> None:
    text = flame_graph({("<lambda> & co",): 1}, "<title>")
    assert "<lambda> & co: 100.0%" in boxes(text)


def test_what_cannot_be_seen_is_left_out() -> None:
    rare = int(2 * WIDTH / NARROWEST)
    assert boxes(flame_graph({("often",): rare, ("seldom",): 1}, "title")).keys() == {
        "all: 100.0%",
        "often: 100.0%",
    }
