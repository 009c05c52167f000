# route: threads that share one stack
# ends: memory_error
# outside: 100 MiB
# needs: files
# As many threads as there may be, each with a stack that is touched to its end, but for
# what stands at its top; and then all other memory.
import _thread
import time

STACK, TOP = 2 << 20, 256 << 10
library = _ctypes.dlopen(None, 0)
self_of, attributes_of, stack_of = (
    Syscall(_ctypes.dlsym(library, name)) for name in ("pthread_self", "pthread_getattr_np", "pthread_attr_getstack")
)
touched = []


def thread():
    attributes, start, size = memory(bytes(64)), memory(bytes(8)), memory(bytes(8))
    attributes_of(self_of(), attributes)
    stack_of(attributes, start, size)
    lowest = int.from_bytes(content(start), "little")
    touch(lowest, int.from_bytes(content(size), "little") - TOP)
    touched.append(lowest)
    time.sleep(10)


_thread.stack_size(STACK)
started = 0
try:
    while started < 200:
        _thread.start_new_thread(thread, ())
        started += 1
except RuntimeError as refused:
    print(started, refused)
until = time.monotonic() + 5
while len(touched) < started and time.monotonic() < until:
    time.sleep(0.1)
print("stacks", len(touched), flush=True)
while True:
    touch(map_anonymous(1 << 20), 1 << 20)
