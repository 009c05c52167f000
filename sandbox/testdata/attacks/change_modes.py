# Changes the mode and the owner of a file.
# contained by: outer, inner
# seen from outside: files
# may be absent: fchmodat2 came with Linux 6.6
file = path("@DIR@/file")
table({
    "chmod": call(90, file, 0o4777), "fchmodat": call(268, AT_FDCWD, file, 0o4777), "fchmodat2": call(452, AT_FDCWD, file, 0o4777, 0), "chown": call(92, file, 1, 1),
    "lchown": call(94, file, 1, 1), "fchownat": call(260, AT_FDCWD, file, 1, 1, 0),
}, absent=["fchmodat2"])
