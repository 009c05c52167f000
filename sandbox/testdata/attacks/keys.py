# The kernel's keyrings, which outlive a process.
# contained by: outer, inner
kind, name = path("user"), path("codecell-attack")
key = call(248, kind, name, memory(b"x"), 1, -2)  # add_key, to the keyring of this process
table({"add_key": key, "request_key": call(249, kind, name, 0, 0), "keyctl": call(250, 0, -2, 0)})
