# Reads the host's name.
# contained by: outer, inner
# outer relies on: namespace_uts
room = memory(bytes(400))
report(call(63, room) == 0 and b"@HOST@\0" in content(room))  # uname
