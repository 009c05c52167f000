# Makes files, directories, links and nodes.
# contained by: outer, inner
# seen from outside: files
new = lambda name: path("@DIR@/" + name)
table({
    "open": call(2, new("a"), 0o101, 0o600), "openat": call(257, AT_FDCWD, new("b"), 0o101, 0o600), "creat": call(85, new("c"), 0o600),
    "O_TMPFILE": call(257, AT_FDCWD, path("@DIR@"), 0o20200001, 0o600), "mkdir": call(83, new("d"), 0o700), "mkdirat": call(258, AT_FDCWD, new("e"), 0o700),
    "mknod": call(133, new("f"), 0o010600, 0), "mknodat": call(259, AT_FDCWD, new("g"), 0o010600, 0), "symlink": call(88, path("/etc"), new("h")),
    "symlinkat": call(266, path("/etc"), AT_FDCWD, new("i")), "link": call(86, new("file"), new("j")), "linkat": call(265, AT_FDCWD, new("file"), AT_FDCWD, new("k"), 0),
})
