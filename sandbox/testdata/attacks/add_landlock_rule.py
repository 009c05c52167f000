# Adds a rule to a ruleset of Landlock. One that were left open in the zygote would open every later run.
# contained by: outer, inner
made = call(444, memory(struct.pack("QQ", 0, 1)), 16, 0)  # landlock_create_ruleset: binding a TCP port
rule = memory(struct.pack("QQ", 1, 80))
report(any(call(445, fd, 2, rule, 0) == 0 for fd in range(64)), made)  # landlock_add_rule: this port
