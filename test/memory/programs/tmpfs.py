# route: files on tmpfs
# ends: ok
# outside: 50 MiB
# Wherever a file might be written: POSIX shared memory is nothing else.
O_CREAT_RDWR = 0o102
chunk = memory(bytes(1 << 20))
for folder in ("/dev/shm", "/tmp", "/run", "/var/tmp", "/dev/mqueue", "/proc/self/cwd", "/home", "."):
    file = call(NR["open"], path(folder + "/codecell-attack"), O_CREAT_RDWR, 0o600)
    written = 0
    while written < 300 and file >= 0 and call(NR["write"], file, chunk, 1 << 20) > 0:
        written += 1
    print(folder, file, written)
