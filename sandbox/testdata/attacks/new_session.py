# Leaves the session.
# contained by: outer, inner
report(call(112) > 0)  # setsid
