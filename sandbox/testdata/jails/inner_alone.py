# Goes before boot.py: what launch would have left for the zygote, and nothing
# else of what launch does.
import os

os.dup2(os.open("/proc/self", os.O_PATH | os.O_DIRECTORY), 4)
os.set_inheritable(3, True)
