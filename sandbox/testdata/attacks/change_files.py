# Overwrites, shortens, renames and removes files.
# contained by: outer, inner
# seen from outside: files
at = lambda name: path("@DIR@/" + name)
table({
    "open": call(2, at("file"), 0o1001), "truncate": call(76, at("file"), 1), "rename": call(82, at("file"), at("x")), "renameat": call(264, AT_FDCWD, at("x"), AT_FDCWD, at("y")),
    "renameat2": call(316, AT_FDCWD, at("y"), AT_FDCWD, at("z"), 0), "unlink": call(87, at("z")), "rmdir": call(84, at("room")),
})
