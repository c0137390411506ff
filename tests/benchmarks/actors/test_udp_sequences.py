"""What became of numbered datagrams, answer by answer."""

from __future__ import annotations

from benchmarks.actors.udp_sequences import Sequences


def sent(count: int, flows: int = 1) -> Sequences:
    """``count`` datagrams of each flow are on the way."""
    sequences = Sequences(flows)
    for flow in range(flows):
        assert [sequences.number(flow) for _ in range(count)] == list(range(count))
    return sequences


def tally(sequences: Sequences) -> tuple[int, int, int, int]:
    """Answered, unanswered, doubled, reordered."""
    return sequences.answered, sequences.unanswered, sequences.doubled, sequences.reordered


def test_answers_in_order_are_answers() -> None:
    sequences = sent(3, flows=2)
    for number in range(3):
        for flow in (1, 0):
            sequences.came(flow, number)
    assert tally(sequences) == (6, 0, 0, 0)


def test_what_never_comes_is_unanswered() -> None:
    sequences = sent(5)
    for number in (0, 3, 4):
        sequences.came(0, number)
    assert tally(sequences) == (3, 2, 0, 0)


def test_what_comes_behind_a_later_one_is_reordered_once_and_doubled_then() -> None:
    sequences = sent(3)
    for number in (2, 0, 1):
        sequences.came(0, number)
    assert tally(sequences) == (3, 0, 0, 2)
    sequences.came(0, 0)
    sequences.came(0, 2)
    assert tally(sequences) == (3, 0, 2, 2)


def test_an_answer_to_what_was_not_sent_is_one_too_many() -> None:
    sequences = sent(1)
    sequences.came(0, 1)
    assert tally(sequences) == (0, 1, 1, 0)


def test_a_datagram_that_the_kernel_did_not_take_was_not_sent() -> None:
    sequences = sent(2)
    sequences.unsent(0)
    assert tally(sequences) == (0, 1, 0, 0)
    assert sequences.number(0) == 1
