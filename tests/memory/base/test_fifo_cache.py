"""The bounded cache under row ids and decoded records."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from iai_memory.base.fifo_cache import FifoCache


def test_the_entries_that_came_last_stay() -> None:
    cache = FifoCache[int, str](9)
    cache.add((number, str(number)) for number in range(9))
    assert list(cache.found(range(-1, 10))) == list(range(9))
    cache.add((number, str(number)) for number in (20, 21, 22, 23, 24))
    assert list(cache.found(range(30))) == [5, 6, 7, 8, 20, 21, 22, 23, 24]
    assert len(cache) == 9


def test_a_key_that_is_set_again_has_its_new_value_and_its_old_place() -> None:
    cache = FifoCache[str, int](2)
    cache.add([("a", 1), ("b", 2), ("a", 3)])
    assert cache.found(["b", "a", "missing"]) == {"b": 2, "a": 3}
    cache.add([("c", 4)])
    assert cache.found(["a", "b", "c"]) == {"b": 2, "c": 4}


def test_more_entries_at_once_than_the_cache_holds_leave_the_last() -> None:
    cache = FifoCache[int, int](2)
    cache.add((number, number) for number in range(100))
    assert cache.found(range(100)) == {98: 98, 99: 99}


def test_a_copy_without_some_keys_has_the_bound_and_shares_nothing() -> None:
    cache = FifoCache[str, int](2)
    cache.add([("a", 1), ("b", 2)])
    other = cache.without(["a", "missing"])
    assert other.found(["a", "b"]) == {"b": 2}
    other.add([("c", 3), ("d", 4)])
    assert other.found(["b", "c", "d"]) == {"c": 3, "d": 4}
    assert cache.found(["a", "b", "c", "d"]) == {"a": 1, "b": 2}


def test_adding_and_reading_from_many_threads_keeps_the_bound_and_the_values() -> None:
    cache = FifoCache[int, int](50)

    def work(thread: int) -> bool:
        same = True
        for start in range(0, 2_000, 20):
            numbers = range(thread * 1_000 + start, thread * 1_000 + start + 20)
            cache.add((number, -number) for number in numbers)
            same &= all(value == -key for key, value in cache.found(range(12_000)).items())
        return same

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(8)))
    assert len(cache) == 50
