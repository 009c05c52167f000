# route: threads that share one stack
# ends: ok, failed, memory_error
# outside: 30 MiB
# As Python starts them, each with a stack of its own.
import _thread

_thread.stack_size(64 << 10)


def wait():
    nap(3)


started = 0
try:
    for started in range(5_000):
        _thread.start_new_thread(wait, ())
except RuntimeError as refused:
    print(started, refused)
nap(1 if started else 0)
