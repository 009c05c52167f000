# Moves the memory of another process, and compares its resources with ours.
# contained by: outer, inner
node = memory(b"\1" + bytes(7))
table({"migrate_pages": call(256, @VICTIM@, 64, node, node), "move_pages": call(279, @VICTIM@, 0, 0, 0, 0, 0), "kcmp": call(312, os.getpid(), @VICTIM@, 1, 0, 0)})
