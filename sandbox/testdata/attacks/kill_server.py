# Signals the server.
# contained by: outer, inner
# seen from outside: signals
table({"kill": call(62, @SERVER@, @SIGNAL@), "tgkill": call(234, @SERVER@, @SERVER@, @SIGNAL@)})
