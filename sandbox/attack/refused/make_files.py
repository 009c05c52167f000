# Makes files, directories, links and nodes.
# contained by: outer, inner
# seen from outside: files
new = lambda name: path("@DIR@/" + name)
table({
    "open": call(@open@, new("a"), 0o101, 0o600), "openat": call(@openat@, AT_FDCWD, new("b"), 0o101, 0o600), "creat": call(@creat@, new("c"), 0o600),
    "O_TMPFILE": call(@openat@, AT_FDCWD, path("@DIR@"), os.O_TMPFILE | 1, 0o600), "mkdir": call(@mkdir@, new("d"), 0o700), "mkdirat": call(@mkdirat@, AT_FDCWD, new("e"), 0o700),
    "mknod": call(@mknod@, new("f"), 0o010600, 0), "mknodat": call(@mknodat@, AT_FDCWD, new("g"), 0o010600, 0), "symlink": call(@symlink@, path("/etc"), new("h")),
    "symlinkat": call(@symlinkat@, path("/etc"), AT_FDCWD, new("i")), "link": call(@link@, new("file"), new("j")), "linkat": call(@linkat@, AT_FDCWD, new("file"), AT_FDCWD, new("k"), 0),
})
