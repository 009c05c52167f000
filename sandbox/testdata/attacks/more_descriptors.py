# More descriptors of what it has.
# contained by: inner
# not by outer: a run's descriptors are put in place by dup2, and Python duplicates by the third
# files allow: copies of descriptors, up to RLIMIT_NOFILE
table({"dup2": call(33, 1, 10), "dup3": call(292, 1, 11, 0), "F_DUPFD_CLOEXEC": call(72, 1, 1030, 12)})
