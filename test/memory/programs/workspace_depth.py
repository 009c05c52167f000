# route: more files and folders than a file system's size says
# ends: ok, memory_limit, timeout
# outside: 100 MiB
# needs: files
# A folder in a folder in a folder, deeper than any path can say: Landlock looks at each of
# those above, so that the run may come to the end of its time. Who removes it must not
# need memory for each.
import os

depth = 0
try:
    while depth < 300_000:
        os.mkdir("d")
        os.chdir("d")
        depth += 1
except OSError as refused:
    print(refused)
print("deep", depth)
