# Makes a process, in other shapes than the zygote's own.
# contained by: outer, inner
table({
    "fork": forked(call(57)), "clone": forked(call(56, 17, 0, 0, 0, 0)), "its parent's parent": forked(call(56, 0x8011, 0, 0, 0, 0)), "untraced": forked(call(56, 0x800011, 0, 0, 0, 0)),
    "no signal": forked(call(56, 0x01200000, 0, 0, 0, 0)), "pidfd": forked(call(56, 0x1011, 0, memory(bytes(4)), 0, 0)), "shared files": forked(call(56, 0x0411, 0, 0, 0, 0)),
    "shared root": forked(call(56, 0x0211, 0, 0, 0, 0)), "bits above 32": forked(call(56, 0x01200011 | 1 << 32, 0, 0, 0, 0)),
})
