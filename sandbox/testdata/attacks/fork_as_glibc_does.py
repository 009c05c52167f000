pid = call(56, 0x01200011, 0, 0, 0, 0)  # what the zygote itself may do
if pid == 0:
    os._exit(0)
report(pid > 0, pid)
