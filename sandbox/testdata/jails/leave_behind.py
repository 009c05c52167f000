# What a run could leave for a later one: a secret all over its memory.
words = ["Pol", "ished", "%d"]
kept = [("".join(words[:2]) + words[2] % n) * 100 for n in range(20_000)]
freed = ["".join(words[:2]) * 1_000 for n in range(500)]
del freed
print(len(kept))
