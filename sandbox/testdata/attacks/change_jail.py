results = {
    "unshare user": call(272, 0x10000000), "setuid 0": call(105, 0) if os.getuid() else -1, "mount": call(165, path("none"), path("/"), path("tmpfs"), 0, 0),
    "chroot": call(161, path("/")), "personality": call(135, 0xFFFFFFFF), "rlimit": call(160, 4, memory(struct.pack("QQ", 0, 0))),
    "pdeathsig": call(157, 1, 0, 0, 0, 0),
}
report(any(r >= 0 for r in results.values()), results)
