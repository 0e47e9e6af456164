"""Gate: a queue with an end, and requests that take too long."""

import asyncio
import threading

import pytest

from recsmith.serving.gate import Gate, Overloaded, TooSlow


def test_the_next_one_is_refused_when_the_queue_is_full():
    async def main():
        gate = Gate(threads=1, waiting=2, seconds=30)
        go = threading.Event()
        begun = [asyncio.ensure_future(gate.run(go.wait)) for _ in range(3)]
        await asyncio.sleep(0.05)
        with pytest.raises(Overloaded, match="Got 3"):
            await gate.run(go.wait)
        go.set()
        assert await asyncio.gather(*begun) == [True] * 3
        assert await gate.run(lambda: 5) == 5
        gate.close()

    asyncio.run(main())


def test_who_waits_too_long_is_told_and_the_thread_is_still_counted():
    async def main():
        gate = Gate(threads=1, waiting=1, seconds=0.05)
        go = threading.Event()
        with pytest.raises(TooSlow):
            await gate.run(go.wait)
        assert gate.inside == 1
        go.set()
        for _ in range(100):
            await asyncio.sleep(0.01)
            if not gate.inside:
                break
        assert gate.inside == 0
        gate.close()

    asyncio.run(main())


def test_errors_of_the_work_come_through():
    async def main():
        gate = Gate(threads=1, waiting=1, seconds=5)
        with pytest.raises(ZeroDivisionError):
            await gate.run(lambda: 1 // 0)
        gate.close()

    asyncio.run(main())
