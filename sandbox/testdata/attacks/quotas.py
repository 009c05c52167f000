# Asks for quotas and gives them out.
# contained by: outer, inner
# may be absent: a kernel may be built without quotas
table({"quotactl": call(179, 0x80000100, 0, 0, 0)}, absent=["quotactl"])  # Q_SYNC, of all file systems
