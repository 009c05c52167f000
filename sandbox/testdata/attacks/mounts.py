# Mounts, moves and unmounts, in a namespace of its own where it may have one.
# contained by: outer, inner
own = call(272, 0x20000)  # unshare, CLONE_NEWNS
results = {"unshare": own, "private": call(165, 0, path("/"), 0, 0x44000, 0), "mount": call(165, path("none"), path("@DIR@/room"), path("tmpfs"), 0, 0)}
files = call(430, path("tmpfs"), 0)
results |= {"fsopen": files, "fsconfig": call(431, files, 6, 0, 0, 0)}
made = call(432, files, 0, 0)
tree = call(428, AT_FDCWD, path("@DIR@/room"), 1)
results |= {
    "fsmount": made, "open_tree": tree, "move_mount": call(429, made, path(""), AT_FDCWD, path("@DIR@/room"), 4), "fspick": call(433, AT_FDCWD, path("@DIR@/room"), 0),
    "mount_setattr": call(442, made, path(""), 0x1000, memory(struct.pack("4Q", 1, 0, 0, 0)), 32), "umount2": call(166, path("@DIR@/room"), 2),
}
table(results)
