# Signals its own group, everybody, and a group by its number. The signal is 0: it asks whether it may.
# contained by: outer, inner
table({"group": call(62, 0, 0), "everybody": call(62, -1, 0), "by number": call(62, -@VICTIM@, 0), "-1 in 32 bits": call(62, 0xFFFFFFFF, 0)})
