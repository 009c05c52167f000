# Signals by every call that is not kill.
# contained by: outer, inner
# seen from outside: victim
info = memory(struct.pack("iii", @SIGNAL@, 0, -1) + bytes(116))
table({"tkill": call(200, @VICTIM@, @SIGNAL@), "rt_sigqueueinfo": call(129, @VICTIM@, @SIGNAL@, info), "rt_tgsigqueueinfo": call(297, @VICTIM@, @VICTIM@, @SIGNAL@, info)})
