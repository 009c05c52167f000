# Changes the limits of another process of the same user.
# contained by: outer, inner
# seen from outside: victim
call(119, @UID@, @UID@, @UID@), call(117, @UID@, @UID@, @UID@)  # setresgid, setresuid: for a root that has no CAP_SYS_RESOURCE
report(call(302, @VICTIM@, 7, memory(struct.pack("QQ", 8, 8)), 0) == 0)  # prlimit64, RLIMIT_NOFILE
