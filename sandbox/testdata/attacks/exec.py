# Becomes another program.
# contained by: outer, inner
arguments, environment = memory(struct.pack("QQQ", path("echo"), path("WON"), 0)), memory(bytes(8))
report(False, call(59, path("/bin/echo"), arguments, environment))  # execve: prints WON if it works
