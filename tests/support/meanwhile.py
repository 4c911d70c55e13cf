"""What happens in another thread while something else is done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def meanwhile(act: Callable[[], object], pause: float = 0) -> Iterator[None]:
    """Does it over and over, `pause` seconds apart, until the block ends, also when it raises: a thread that went on
    would keep the process of the tests from ending."""
    stopped = threading.Event()

    def go_on() -> None:
        while not stopped.wait(pause):
            act()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
