"""Lifecycle: how long no request came decides between WAKE, DROWSY and SLEEP."""

from __future__ import annotations

import threading

import pytest

from iai_server.serving.lifecycle import Lifecycle, State


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize(
    ("idle", "state"),
    [
        (0.0, State.WAKE),
        (299.5, State.WAKE),
        (300.0, State.DROWSY),
        (1799.0, State.DROWSY),
        (1800.0, State.SLEEP),
        (1e9, State.SLEEP),
    ],
)
def test_the_state_follows_from_how_long_no_request_came(
    clock: Clock, idle: float, state: State
) -> None:
    lifecycle = Lifecycle(300, 1800, clock)
    clock.now += idle
    assert lifecycle.state is state


@pytest.mark.parametrize("idle", [10.0, 400.0, 5000.0])
def test_a_request_wakes_from_every_state(clock: Clock, idle: float) -> None:
    lifecycle = Lifecycle(300, 1800, clock)
    clock.now += idle
    lifecycle.touch()
    assert lifecycle.state is State.WAKE
    clock.now += 299.5
    assert lifecycle.state is State.WAKE


def test_a_pause_as_long_as_the_sleep_limit_leaves_drowsy_out(clock: Clock) -> None:
    lifecycle = Lifecycle(300, 60, clock)
    clock.now += 59.5
    states = [lifecycle.state]
    clock.now += 0.5
    assert [*states, lifecycle.state] == [State.WAKE, State.SLEEP]


def test_requests_of_many_threads_leave_it_awake_at_the_latest_of_them(clock: Clock) -> None:
    lifecycle = Lifecycle(300, 1800, clock)
    clock.now += 5000
    ready = threading.Barrier(8)

    def request() -> None:
        ready.wait()
        for _ in range(200):
            lifecycle.touch()

    threads = [threading.Thread(target=request) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clock.now += 299.5
    states = [lifecycle.state]
    clock.now += 0.5
    assert [*states, lifecycle.state] == [State.WAKE, State.DROWSY]
