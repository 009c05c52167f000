# Opens what is writable on most machines.
# contained by: outer, inner
# files allow: the null device
table({name: call(257, AT_FDCWD, path(name), 2) for name in ("/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/proc/self/oom_score_adj", "/proc/self/comm")})
