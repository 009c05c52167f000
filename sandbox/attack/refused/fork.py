# Makes a process, in other shapes than the zygote's own.
# contained by: outer, inner
table({
    "fork": forked(call(@fork@)), "clone": forked(call(@clone@, 17, 0, 0, 0, 0)), "its parent's parent": forked(call(@clone@, 0x8011, 0, 0, 0, 0)), "untraced": forked(call(@clone@, 0x800011, 0, 0, 0, 0)),
    "no signal": forked(call(@clone@, 0x01200000, 0, 0, 0, 0)), "pidfd": forked(call(@clone@, 0x1011, 0, memory(bytes(4)), 0, 0)), "shared files": forked(call(@clone@, 0x0411, 0, 0, 0, 0)),
    "shared root": forked(call(@clone@, 0x0211, 0, 0, 0, 0)), "bits above 32": forked(call(@clone@, 0x01200011 | 1 << 32, 0, 0, 0, 0)),
})
