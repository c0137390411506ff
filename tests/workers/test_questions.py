"""What a fleet asks its workers: answers come in parts, and the dead are not waited for."""

from __future__ import annotations

import asyncio

from userproxy.workers.questions import Questions


class Worker:
    """Only listens."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.heard: list[tuple[object, ...]] = []

    def say(self, *message: object) -> None:
        self.heard.append(message)


async def asked(questions: Questions, *workers: Worker) -> asyncio.Task[list[list[object]]]:
    task = asyncio.create_task(questions.ask(workers, "traffic", ["key"]))
    await asyncio.sleep(0)
    return task


async def test_all_parts_of_all_answers() -> None:
    questions, one, two = Questions(), Worker(0), Worker(1)
    task = await asked(questions, one, two)
    assert one.heard == two.heard == [("traffic", 1, ["key"])]
    questions.answered(0, 1, [["a"]], False)
    questions.answered(1, 1, [["b"]], True)
    await asyncio.sleep(0)
    assert not task.done()
    questions.answered(0, 1, [["c"]], True)
    assert await task == [["a"], ["b"], ["c"]]


async def test_a_worker_that_dies_is_not_waited_for() -> None:
    questions, one, two = Questions(), Worker(0), Worker(1)
    task = await asked(questions, one, two)
    questions.answered(0, 1, [["a"]], True)
    questions.lost(1)
    assert await task == [["a"]]


async def test_two_questions_at_once_and_one_that_nobody_waits_for_any_more() -> None:
    questions, one = Questions(), Worker(0)
    first, second, third = [await asked(questions, one) for _ in range(3)]
    first.cancel()
    await asyncio.wait([first])
    questions.answered(0, 1, [["late"]], True)
    questions.answered(0, 3, [["third"]], True)
    questions.answered(0, 2, [["second"]], True)
    assert (await second, await third) == ([["second"]], [["third"]])


async def test_without_workers_there_is_nothing_to_wait_for() -> None:
    assert await Questions().ask((), "traffic") == []
