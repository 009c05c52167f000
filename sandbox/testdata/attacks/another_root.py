# Changes what / is.
# contained by: outer, inner
table({"chroot": call(161, path("@DIR@")), "chdir": call(80, path("/")), "pivot_root": reached(call(155, path("/nowhere"), path("/nowhere")))})
