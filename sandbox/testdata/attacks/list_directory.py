# Lists a directory.
# contained by: outer, inner
# files allow: getcwd, which says where its own folder is
fd = call(257, AT_FDCWD, path("/"), 0o200000)  # openat, O_DIRECTORY
room = memory(bytes(4096))
results = {"getdents64": call(217, fd, room, 4096) if fd >= 0 else fd, "chdir": call(80, path("@DIR@"))}
results["getcwd"] = call(79, room, 4096)
table(results)
