"""The userproxy.dev/ annotations: options for all ports or for one; bad ones are warnings."""

from __future__ import annotations

import pytest

from tests.model.raw import decoded_service, port, service
from userproxy.model.findings import MAX_PROBLEMS
from userproxy.model.problems import Problem, Severity
from userproxy.model.service import Balancer, PortOptions

DEFAULTS = PortOptions()


def options(**annotations: object) -> tuple[dict[str, PortOptions], tuple[Problem, ...]]:
    """Options of ports http and metrics; ``__`` in a keyword stands for ``.`` and ``_`` for ``-``."""
    return raw_options(
        {
            f"userproxy.dev/{key.replace('__', '.').replace('_', '-')}": value
            for key, value in annotations.items()
        }
    )


def raw_options(annotations: dict[str, object]) -> tuple[dict[str, PortOptions], tuple[Problem, ...]]:
    raw = service(metadata={"annotations": annotations}, ports=[port(80, "http"), port(9090, "metrics")])
    decoded, problems = decoded_service(raw)
    return {spec.name: spec.options for spec in decoded.ports}, problems


GOOD = [
    pytest.param({"balancer": "round-robin"}, DEFAULTS, id="round-robin"),
    pytest.param(
        {"balancer": "consistent-hash"}, PortOptions(balancer=Balancer.CONSISTENT_HASH), id="consistent-hash"
    ),
    pytest.param(
        {"balancer": "least-connections"},
        PortOptions(balancer=Balancer.LEAST_CONNECTIONS),
        id="least-connections",
    ),
    pytest.param({"hold": "30s"}, PortOptions(hold_s=30.0), id="L9 hold"),
    pytest.param({"hold": "1m30s"}, PortOptions(hold_s=90.0), id="L9 hold in two units"),
    pytest.param({"hold": "0s"}, DEFAULTS, id="L9 hold off"),
    pytest.param({"hold": "0"}, DEFAULTS, id="L9 hold off without unit"),
    pytest.param({"drain_limit": "5m"}, PortOptions(drain_limit_s=300.0), id="C1 drain limit"),
    pytest.param({"drain_limit": "0s"}, PortOptions(drain_limit_s=0.0), id="C1 drain at once"),
    pytest.param({"drain_limit": "none"}, DEFAULTS, id="C1 no drain limit"),
    pytest.param({"idle_timeout": "1h"}, PortOptions(idle_timeout_s=3600.0), id="idle time-out"),
    pytest.param({"idle_timeout": "none"}, DEFAULTS, id="no idle time-out"),
    pytest.param({"max_connections": "1"}, PortOptions(max_connections=1), id="one connection"),
    pytest.param(
        {"max_connections": "2147483647"}, PortOptions(max_connections=2**31 - 1), id="most connections"
    ),
    pytest.param({"max_connections": "none"}, DEFAULTS, id="no limit of connections"),
    pytest.param({"hold": None, "balancer": None}, DEFAULTS, id="null is absent"),
    pytest.param(
        {"hold": "1s", "drain_limit": "2s", "idle_timeout": "3s", "max_connections": "4"},
        PortOptions(Balancer.ROUND_ROBIN, 1.0, 2.0, 3.0, 4),
        id="all together",
    ),
]


@pytest.mark.parametrize(("annotations", "expected"), GOOD)
def test_an_annotation_is_for_all_ports(annotations: dict[str, object], expected: PortOptions) -> None:
    assert options(**annotations) == ({"http": expected, "metrics": expected}, ())


@pytest.mark.parametrize(("annotations", "expected"), GOOD)
def test_an_annotation_with_a_port_name_is_for_that_port(
    annotations: dict[str, object], expected: PortOptions
) -> None:
    for_one = {f"{key}__http": value for key, value in annotations.items()}
    assert options(**for_one) == ({"http": expected, "metrics": DEFAULTS}, ())


@pytest.mark.parametrize("order", [1, -1])
def test_the_port_name_wins_whatever_the_order(order: int) -> None:
    pairs = [("hold", "30s"), ("hold__http", "5s"), ("drain_limit", "9s"), ("drain_limit__metrics", "none")]
    found, problems = options(**dict(pairs[::order]))
    assert problems == ()
    assert found == {
        "http": PortOptions(hold_s=5.0, drain_limit_s=9.0),
        "metrics": PortOptions(hold_s=30.0, drain_limit_s=None),
    }


BAD = [
    ("balancer", ["", "random", "Round-Robin", "round-robin ", "consistent_hash", 1, True, [], {}]),
    ("hold", ["", "30", "30 s", "-1s", "forever", "none", "1e3s", 30, True, [], {}, "9" * 10**6 + "s"]),
    ("drain-limit", ["", "5", "-5m", "None", "never", 0, []]),
    ("idle-timeout", ["", "0s", "0", "-1h", "5", 1.5, []]),
    (
        "max-connections",
        ["", "0", "-1", "+1", "1.5", "1e3", "0x10", " 1", "٣", "2147483648", "9" * 10_000, 5, True, []],
    ),
]


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in BAD for value in values])
def test_a_bad_value_is_a_warning_and_the_default(key: str, value: object) -> None:
    name = f"userproxy.dev/{key}"
    found, (problem,) = raw_options({name: value, "userproxy.dev/hold.metrics": "7s"})
    assert found == {"http": DEFAULTS, "metrics": PortOptions(hold_s=7.0)}
    assert problem.field == f"metadata.annotations[{name}]"
    assert problem.severity is Severity.WARNING
    assert problem.message.endswith("; the default is used")
    assert len(problem.value) <= 80


def test_null_for_one_port_is_absent() -> None:
    found, problems = options(hold="30s", hold__http=None, nonsense=None)
    assert found == {"http": PortOptions(hold_s=30.0), "metrics": PortOptions(hold_s=30.0)}
    assert problems == ()


def test_a_bad_value_for_one_port_is_the_default_there_and_nothing_elsewhere() -> None:
    found, problems = options(hold="30s", hold__http="soon", balancer="consistent-hash")
    hashed = Balancer.CONSISTENT_HASH
    assert found == {"http": PortOptions(hashed), "metrics": PortOptions(hashed, hold_s=30.0)}
    assert [problem.field for problem in problems] == ["metadata.annotations[userproxy.dev/hold.http]"]


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [
        ("ballancer", "did you mean userproxy.dev/balancer?"),
        ("Hold", "did you mean userproxy.dev/hold?"),
        ("idle-time-out", "did you mean userproxy.dev/idle-timeout?"),
        ("max_connections", "did you mean userproxy.dev/max-connections?"),
        ("holt.http", "did you mean userproxy.dev/hold.http?"),
        ("hold.htttp", "did you mean userproxy.dev/hold.http?"),
        ("drainlimit.metric", "did you mean userproxy.dev/drain-limit.metrics?"),
        ("hold.zzz", "known are balancer, hold, drain-limit, idle-timeout, max-connections"),
        ("hold.", "known are balancer"),
        ("zzz.http", "known are balancer"),
        ("zzz", "known are balancer"),
        ("", "known are balancer"),
        ("x" * 10**6, "known are balancer"),
        ("hold." + "x" * 10**6, "known are balancer"),
        ("a\nb\x1b[31m", "known are balancer"),
    ],
    ids=lambda text: repr(text[:20]),
)
def test_an_unknown_key_is_a_warning_that_names_the_nearest(key: str, suggestion: str) -> None:
    found, (problem,) = raw_options({f"userproxy.dev/{key}": "1s", "userproxy.dev/hold.metrics": "7s"})
    assert found == {"http": DEFAULTS, "metrics": PortOptions(hold_s=7.0)}
    assert problem.severity is Severity.WARNING
    assert problem.message.startswith(f"is not known; {suggestion}")
    assert len(problem.field) < 110
    assert str(problem).isprintable()


def test_many_unknown_keys_are_bounded_and_the_rest_is_counted() -> None:
    found, problems = raw_options(
        {**{f"userproxy.dev/holt{index}": "1s" for index in range(5000)}, "userproxy.dev/hold": "7s"}
    )
    assert found == {"http": PortOptions(hold_s=7.0), "metrics": PortOptions(hold_s=7.0)}
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1].message == "has 4900 more problems, which are not shown"


def test_annotations_of_others_are_not_read() -> None:
    others = {"userproxy.device/hold": "x", "example.com/hold": "x", "hold": "x", "Userproxy.dev/hold": "x"}
    assert raw_options(dict(others)) == ({"http": DEFAULTS, "metrics": DEFAULTS}, ())


def test_the_one_unnamed_port_takes_what_is_for_all() -> None:
    raw = service(
        metadata={"annotations": {"userproxy.dev/hold": "3s", "userproxy.dev/hold.http": "4s"}},
        ports=[port(80, name="")],
    )
    decoded, problems = decoded_service(raw)
    assert [spec.options for spec in decoded.ports] == [PortOptions(hold_s=3.0)]
    assert [problem.field for problem in problems] == ["metadata.annotations[userproxy.dev/hold.http]"]
