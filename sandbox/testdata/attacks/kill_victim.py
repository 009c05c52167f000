# Signals a process of the run's own uid, by the two calls that a process needs for itself.
# contained by: outer, inner
# seen from outside: victim
# outer relies on: namespace_pid or landlock_scope
table({"kill": call(62, @VICTIM@, @SIGNAL@), "tgkill": call(234, @VICTIM@, @VICTIM@, @SIGNAL@)})
