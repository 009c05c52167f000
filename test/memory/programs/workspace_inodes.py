# route: more files and folders than a file system's size says
# ends: ok, memory_limit
# outside: 100 MiB
# needs: files
# No file has anything in it, so that none is of any size; each has a name of 250
# characters. Links hold what they point to, and hard links another name.
import os

made, long = 0, "x" * 240
open("0", "x").close()
try:
    while made < 1_200_000:
        if made % 10_000 == 0:
            folder = f"{made}-{long}"
            os.mkdir(folder)
            os.chdir(folder)
        name = f"{made}-{long}"
        match made % 4:
            case 0:
                os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
            case 1:
                os.mkdir(name)
            case 2:
                os.symlink(long[:120], name)
            case 3:
                os.close(os.open(f"{made}", os.O_CREAT | os.O_WRONLY))
                os.link(f"{made}", name)
        made += 1
except OSError as refused:
    print(refused)
print("made", made)
