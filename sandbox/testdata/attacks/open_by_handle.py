# Opens a file by its handle, past every path.
# contained by: outer, inner
handle = memory(struct.pack("II", 128, 0) + bytes(128))
results = {"name_to_handle_at": call(303, AT_FDCWD, path("@DIR@/file"), handle, memory(bytes(4)), 0)}
mount = call(257, AT_FDCWD, path("@DIR@"), 0)
results["open_by_handle_at"] = call(304, mount, handle, 0)
table(results)
