# Leaves the process group by which the zygote's runs are killed.
# contained by: outer, inner
results = {"setpgid": call(109, 0, 0)}
results["setpgid of another"] = call(109, os.getpid(), os.getpid())
results["TIOCSCTTY"] = reached(call(16, 0, 0x540E, 0))
table(results)
