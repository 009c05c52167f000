"""multiprocessing's locks, for the threads of the only process that a run has. Those of
the library's own are named semaphores: files in a place that no run can reach. Without
locks there would be no multiprocessing.pool.ThreadPool, and no telling that it is the
processes of a Pool that the kernel refuses.
"""

from __future__ import annotations

import threading

RECURSIVE_MUTEX = 0  # the one kind that its owner may take again; the other is SEMAPHORE


class SemLock:
    """_multiprocessing.SemLock, as multiprocessing.synchronize uses it."""

    SEM_VALUE_MAX = (1 << 31) - 1

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
        self.kind = kind
        self.maxvalue = maxvalue
        self.name = None  # nobody else's to find
        self.handle = 0
        self._value = value
        self._taken = 0  # times, less those given back
        self._last: int | None = None  # the thread that took it last
        self._changed = threading.Condition(threading.Lock())

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        with self._changed:
            if self.kind == RECURSIVE_MUTEX and self._is_mine():
                self._taken += 1
                return True
            if not self._changed.wait_for(lambda: self._value > 0, timeout if block else 0):
                return False
            self._value -= 1
            self._taken += 1
            self._last = threading.get_ident()
            return True

    def release(self) -> None:
        with self._changed:
            if self.kind == RECURSIVE_MUTEX:
                if not self._is_mine():
                    raise AssertionError("attempt to release recursive lock not owned by thread")
                self._taken -= 1
                if self._taken > 0:
                    return
            elif self._value >= self.maxvalue:
                raise ValueError("semaphore or lock released too many times")
            else:
                self._taken -= 1
            self._value += 1
            self._changed.notify()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exc) -> None:
        self.release()

    def _count(self) -> int:
        return self._taken

    def _is_mine(self) -> bool:
        return self._taken > 0 and self._last == threading.get_ident()

    def _get_value(self) -> int:
        return self._value

    def _is_zero(self) -> bool:
        return self._value == 0

    def _after_fork(self) -> None:
        """There is no child to have it called in."""
