pid = call(56, 17, 0, 0, 0, 0)  # clone, SIGCHLD
if pid == 0:
    os._exit(0)
report(pid > 0, pid)
