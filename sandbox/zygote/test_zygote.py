import _thread
import os
import threading
import unittest

import pages
import semlock
import zygote


class StrayThreads(unittest.TestCase):
    def setUp(self):
        # Where the zygote has it; unittest has nothing open there.
        process = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY)
        if process != zygote.PROC_SELF:
            os.dup2(process, zygote.PROC_SELF)
            os.close(process)
        self.addCleanup(os.close, zygote.PROC_SELF)

    def test_none(self):
        self.assertEqual(zygote.stray_threads(), 0)

    def test_one_that_is_not_threading_s(self):
        go_on, gone = _thread.allocate_lock(), _thread.allocate_lock()
        go_on.acquire()
        gone.acquire()
        _thread.start_new_thread(lambda: (go_on.acquire(), gone.release()), ())
        self.assertEqual(zygote.stray_threads(), 1)
        go_on.release()
        gone.acquire()

    def test_one_that_ends(self):
        threading.Thread(target=lambda: None).start()
        self.assertEqual(zygote.stray_threads(), 0)


class Pages(unittest.TestCase):
    def test_what_is_made_after_fill_lies_in_new_maps(self):
        proc = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, proc)
        makes = (object, complex, lambda: bytes(50), lambda: bytes(400))
        garbage = [[make() for _ in range(5000)] for make in makes]
        for same in garbage:
            del same[1::2]  # one by one
            del same[:1000]  # and whole pools
        maps = list(pages.writable(proc))

        def lie_in_old_maps():
            return [any(start <= id(one) < end for start, end in maps) for one in (make() for make in makes)]

        self.assertEqual(lie_in_old_maps(), [True] * 4)
        pages.fill(proc)
        self.assertEqual(lie_in_old_maps(), [False] * 4)


class SemLock(unittest.TestCase):
    def test_waits_for_its_time(self):
        lock = semlock.SemLock(1, 1, 1, "", True)
        self.assertTrue(lock.acquire())
        self.assertFalse(lock.acquire(False))
        self.assertFalse(lock.acquire(True, 0.01))
        lock.release()
        self.assertRaises(ValueError, lock.release)
        self.assertTrue(lock.acquire(True, 0))

    def test_is_its_owner_s(self):
        lock = semlock.SemLock(semlock.RECURSIVE_MUTEX, 1, 1, "", True)
        with lock, lock:
            self.assertEqual((lock._count(), lock._is_mine(), lock._is_zero()), (2, True, True))
            others = []
            thread = threading.Thread(target=lambda: others.append((lock.acquire(False), lock._is_mine())))
            thread.start()
            thread.join()
            self.assertEqual(others, [(False, False)])
        self.assertRaises(AssertionError, lock.release)

    def test_wakes_who_waits(self):
        lock = semlock.SemLock(1, 0, semlock.SemLock.SEM_VALUE_MAX, "", True)
        taken = []
        threads = [threading.Thread(target=lambda: taken.append(lock.acquire(True, 30))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for _ in threads:
            lock.release()
        for thread in threads:
            thread.join()
        self.assertEqual(taken, [True] * 8)
        self.assertEqual(lock._get_value(), 0)


if __name__ == "__main__":
    unittest.main()
