# Types on the terminal of whoever started the server.
# contained by: outer, inner
results = {"TIOCSTI": reached(call(16, 0, 0x5412, memory(b"x"))), "TIOCLINUX": reached(call(16, 0, 0x541C, memory(b"\2")))}
results |= {"TIOCSETD": reached(call(16, 0, 0x5423, memory(bytes(4)))), "TIOCGWINSZ": reached(call(16, 0, 0x5413, memory(bytes(8))))}
table(results)
