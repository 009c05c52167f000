args = memory(struct.pack("11Q", 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0))
pid = call(435, args, 88)  # clone3
if pid == 0:
    os._exit(0)
report(pid > 0, pid)
