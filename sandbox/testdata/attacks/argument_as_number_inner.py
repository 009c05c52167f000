# The same, for the calls that the outer jail leaves.
# contained by: inner
# not by outer: tgkill and mmap are the two whose arguments only the inner filter looks at
me = os.getpid()
results = {}
for number in (1, 9, 25, 28, 62, 72, 202, 234):
    results["tgkill %d" % number] = call(234, me | number << 32, me, 0, 0)  # the kernel takes the lower half
    results["mmap %d" % number] = call(9, (number + 16) << 32, 4096, 3, 0x32, -1, 0)
table(results)
