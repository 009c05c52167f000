# Reads the secret out of the victim's memory, by /proc/PID/mem.
# contained by: outer, inner
fd = call(257, AT_FDCWD, path("/proc/@VICTIM@/mem"), 0)
room = memory(bytes(@SIZE@))
got = call(17, fd, room, @SIZE@, @VICTIM_SECRET@) if fd >= 0 else fd  # pread64
if got == @SIZE@:
    print(content(room).decode())
report(got == @SIZE@, got)
