# Prints more than is kept.
print("x" * @TOO_MUCH@)
report(True)
