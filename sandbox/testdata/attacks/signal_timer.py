# Timers whose signal and target are of our choice.
# contained by: outer, inner
event = memory(struct.pack("QiiI", 0, @SIGNAL@, 1, 0) + bytes(44))  # SIGEV_NONE
table({"timer_create": call(222, 1, event, memory(bytes(8))), "setitimer": call(38, 0, memory(struct.pack("4q", 0, 0, 100, 0)), 0), "alarm": call(37, 100), "timerfd_create": call(283, 1, 0)})
