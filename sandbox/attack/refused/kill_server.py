# Signals the server.
# contained by: outer, inner
# outer relies on: uid or namespace_pid or landlock_scope
# seen from outside: signals
table({"kill": call(@kill@, @SERVER@, @SIGNAL@), "tgkill": call(@tgkill@, @SERVER@, @SERVER@, @SIGNAL@)})
