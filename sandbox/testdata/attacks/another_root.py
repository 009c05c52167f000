# Changes what / is.
# contained by: outer, inner
# files allow: chdir, to where nothing can be opened
table({"chroot": call(161, path("@DIR@")), "chdir": call(80, path("/")), "pivot_root": reached(call(155, path("/nowhere"), path("/nowhere")))})
