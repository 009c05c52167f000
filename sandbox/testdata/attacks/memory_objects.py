# Memory that has a name or a descriptor, and that no address space counts.
# contained by: outer, inner
name, key = path("codecell-attack"), 0
shm, sem, msg = call(29, key, 1 << 20, 0o1600), call(64, key, 1, 0o1600), call(68, key, 0o1600)  # IPC_PRIVATE
results = {"memfd_create": call(319, name, 0), "shmget": shm, "semget": sem, "msgget": msg, "mq_open": call(240, name, 0o102, 0o600, 0), "userfaultfd": call(323, 1)}
results |= {"removed": call(31, shm, 0, 0), "semctl": call(66, sem, 0, 0), "msgctl": call(71, msg, 0, 0), "mq_unlink": call(241, name)}
table(results)
