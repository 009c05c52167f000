# route: maps of files, and descriptors
# ends: ok
# outside: 20 MiB
# needs: files
# Pairs of sockets and pipes, until there are no descriptors, with as much in each as the
# kernel takes that nobody reads.
import os
import socket
import time

held, chunk, sent = [], bytes(1 << 16), 0


def fill(write):
    global sent
    try:
        while True:
            sent += write(chunk)
    except BlockingIOError:
        pass
    # What is small holds more than its size.
    try:
        while True:
            sent += write(b"x")
    except BlockingIOError:
        pass


try:
    while len(held) < 100:
        pair = socket.socketpair()
        held.append(pair)
        for end in pair:
            end.setblocking(False)
            fill(end.send)
except OSError as refused:
    print(refused)
for pair in held[:8]:
    for end in pair:
        end.close()
try:
    while len(held) < 200:
        read, write = os.pipe()
        held.append((read, write))
        os.set_blocking(write, False)
        fill(lambda data: os.write(write, data))
except OSError as refused:
    print(refused)
print("pairs", len(held), "bytes", sent)
time.sleep(1)
