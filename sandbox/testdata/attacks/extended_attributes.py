# Reads and writes extended attributes.
# contained by: outer, inner
# seen from outside: files
file, name, room = path("@DIR@/file"), path("user.note"), memory(bytes(64))
table({
    "getxattr": call(191, file, name, room, 64), "lgetxattr": call(192, file, name, room, 64), "listxattr": call(194, file, room, 64), "llistxattr": call(195, file, room, 64),
    "setxattr": call(188, file, name, memory(b"x"), 1, 0), "lsetxattr": call(189, file, name, memory(b"y"), 1, 0), "removexattr": call(197, file, name),
})
