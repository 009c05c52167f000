# Reads the server's secret in the environment that it was given.
# contained by: outer
# not by inner: an environment is what a process was started with, and the zygote was started by launch
print(os.environ.get("@NAME@"))
report("@NAME@" in os.environ, "there is " + " ".join(sorted(os.environ)))
