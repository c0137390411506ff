"""The figures of the pure parts in docs/performance.md are those of the committed run."""

from __future__ import annotations

import json
from statistics import median

from benchmarks.measuring.spread import Spread, ratios
from benchmarks.pure.report import spread_of
from tests.docs.project import DOCS, ROOT, table_rows

RUN = json.loads((ROOT / "benchmarks/results/pure.json").read_text(encoding="utf-8"))
PAGE = DOCS / "performance.md"
RATES = {(f"`{one['part']}` {one['name']}", f"{one['size']:,}"): one["per_second"] for one in RUN["measured"]}
ROWS = [row for row in table_rows(PAGE, section="## Pure parts") if row[0].startswith("`")]
PROSE = " ".join(PAGE.read_text(encoding="utf-8").partition("\n## Pure parts\n")[2].split())


def test_the_table_says_what_was_measured() -> None:
    assert len(ROWS) > 10
    for name, size, figure in ROWS:
        assert figure == spread_of(RATES[name, size]), (name, size)


def test_the_prose_says_what_was_measured() -> None:
    few, many = (RATES["`derivation` one slice changed", size] for size in ("100", "10,000"))
    growth = Spread.of(ratios(few, many))
    assert f"as beside 100: {growth.median:.2f} ({growth.low:.2f}-{growth.high:.2f});" in PROSE
    assert f"takes {median(RUN['memory']['RSS']) / 1000:.1f} KB of resident memory" in PROSE
    times = []
    for kind, size in (("Service", "1"), ("EndpointSlice", "10")):
        parsed, decoded = (RATES[f"`decode` {kind}, {how}", size] for how in ("parsed only", "decoded"))
        times.append(median(parsed) / median(decoded))
    assert [round(time) for time in times] == [14, 5]
    assert "takes 14 times what orjson takes to parse it, a slice of ten endpoints five times" in PROSE
