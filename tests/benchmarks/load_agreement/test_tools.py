"""What wrk and ``userproxy load`` say, read."""

from __future__ import annotations

import json

import pytest

from benchmarks.load_agreement.tools import Said, userproxy_said, wrk_said
from tests.load.results import result
from userproxy.load.json_form import to_json

WRK = """\
Running 3s test @ http://127.0.0.1:18080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.01ms    6.04ms  73.53ms   96.91%
    Req/Sec    53.79k    15.80k   91.18k    76.67%
  Latency Distribution
     50%  544.00us
     75%    1.75ms
     90%    3.84ms
     99%   1.20s
  163532 requests in 3.09s, 29.01MB read
Requests/sec:  52850.18
Transfer/sec:      9.37MB
"""


def test_wrk() -> None:
    assert wrk_said(WRK) == Said(52850.18, 163532, 544 * 0.001, 1200.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        WRK.replace("Requests/sec", "Requests"),
        WRK.replace("50%", "51%"),
        WRK + "  Socket errors: connect 0, read 3, write 0, timeout 0\n",
        WRK + "  Non-2xx or 3xx responses: 7\n",
    ],
)
def test_a_run_of_wrk_with_errors_or_without_figures_is_no_result(text: str) -> None:
    with pytest.raises(ValueError, match=r"Socket errors|Non-2xx|no throughput"):
        wrk_said(text)


def test_userproxy_load() -> None:
    found = result(latencies_ms=[10.0] * 99 + [40.0])
    said = userproxy_said(json.dumps(to_json(found)))
    assert (said.throughput, said.answered) == (10.0, 100)
    assert said.p50_ms == pytest.approx(5.0, rel=0.001)
    assert said.p99_ms == pytest.approx(5.0, rel=0.001)


def test_a_run_with_errors_is_no_result() -> None:
    with pytest.raises(ValueError, match="errors"):
        userproxy_said(json.dumps(to_json(result(errors={"timeout": 1}))))
