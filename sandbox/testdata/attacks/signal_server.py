results = [call(62, @PID@, @SIGNAL@), call(200, @PID@, @SIGNAL@), call(234, @PID@, @PID@, @SIGNAL@)]  # kill, tkill, tgkill
info = memory(struct.pack("iii", @SIGNAL@, 0, -1) + bytes(116))
results += [call(129, @PID@, @SIGNAL@, info)]  # rt_sigqueueinfo
fd = call(434, @PID@, 0)  # pidfd_open
results += [call(424, fd, @SIGNAL@, 0, 0) if fd >= 0 else fd]  # pidfd_send_signal
report(0 in results, results)
