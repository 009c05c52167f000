# Signals the server.
# contained by: outer, inner
# outer relies on: uid or namespace_pid or landlock_scope
# seen from outside: signals
table({"kill": call(62, @SERVER@, @SIGNAL@), "tgkill": call(234, @SERVER@, @SERVER@, @SIGNAL@)})
