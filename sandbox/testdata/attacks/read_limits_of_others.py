# Reads the limits of another process of the same user.
# contained by: outer, inner
call(119, @UID@, @UID@, @UID@), call(117, @UID@, @UID@, @UID@)  # setresgid, setresuid
report(call(302, @VICTIM@, 7, 0, memory(bytes(16))) == 0)
