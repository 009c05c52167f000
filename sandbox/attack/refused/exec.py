# Becomes another program.
# contained by: outer, inner
words = ["@PROGRAM@", "-I", "-S", "-c", "print('WON')"]
arguments, environment = memory(struct.pack("QQQQQQ", *map(path, words), 0)), memory(bytes(8))
table({"execve": call(@execve@, path("@PROGRAM@"), arguments, environment)})
