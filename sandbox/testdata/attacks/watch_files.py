# Is told when a file is opened.
# contained by: outer, inner
fd = call(294, 0)  # inotify_init1
table({"inotify_init": call(253), "inotify_init1": fd, "inotify_add_watch": call(254, fd, path("/etc/passwd"), 0x20), "fanotify_init": call(300, 0, 0)})
