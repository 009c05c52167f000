arguments, environment = memory(struct.pack("QQ", path("/bin/echo"), path("WON")) + bytes(8)), memory(bytes(8))
result = call(59, path("/bin/echo"), arguments, environment)  # execve: prints WON if it works
report(False, (result, call(322, AT_FDCWD, path("/bin/echo"), arguments, environment, 0)))
