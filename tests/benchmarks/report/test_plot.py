"""The picture: well-formed XML, a bar for each ratio, nothing outside of it."""

from __future__ import annotations

from xml.etree import ElementTree

from benchmarks.report.plot import LEFT, WIDTH, overview, plot
from benchmarks.report.svg import Picture
from tests.benchmarks.windows import results

SVG = "{http://www.w3.org/2000/svg}"


def test_each_ratio_is_a_bar_with_a_whisker() -> None:
    found = results(
        {"userproxy": [11.0, 12.0], "haproxy": [10.0, 10.0], "streams": [50.0, 60.0], "nginx": [9.0, 9.0]}
    )
    picture = ElementTree.fromstring(plot(found))
    bars = picture.findall(f"{SVG}rect")
    assert [bar.get("class") for bar in bars] == ["ours", "theirs", "theirs"]
    ours = float(bars[0].get("width", "0")) / (float(bars[1].get("width", "0")) / 2.0)
    assert abs(ours - 1.15) < 0.01  # the longer one is cut at 2
    whiskers = [line for line in picture.findall(f"{SVG}line") if line.get("class") == "whisker"]
    assert len(whiskers) == 3
    assert "5.50" in {text.text for text in picture.iter(f"{SVG}text")}
    for element in (*bars, *picture.findall(f"{SVG}line")):
        for name in ("x", "x1", "x2"):
            assert LEFT <= float(element.get(name, LEFT)) <= WIDTH


def test_the_overview_has_one_bar_for_each_case() -> None:
    found = results({"userproxy": [11.0, 12.0], "nginx": [9.0, 9.0], "haproxy": [10.0, 10.0]})
    picture = ElementTree.fromstring(overview(found))
    [bar] = picture.findall(f"{SVG}rect")
    assert bar.get("class") == "ours"
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert "requests-64" in texts
    assert "1.15" in texts


def test_a_dark_page_has_colours_of_its_own() -> None:
    text = plot(results({"userproxy": [1.0], "haproxy": [1.0]}))
    assert "@media (prefers-color-scheme: dark)" in text


def test_text_is_escaped() -> None:
    picture = Picture(10, 'a "title" & <more>')
    picture.text(1, 2, "<tag> & text", anchor="end")
    root = ElementTree.fromstring(picture.render(10))
    assert root.get("aria-label") == 'a "title" & <more>'
    [text] = root.findall(f"{SVG}text")
    assert (text.text, text.get("x")) == ("<tag> & text", "1")
