# route: huge pages: 2 MiB for a touch
# ends: ok, memory_error
# outside: 300 MiB
# With huge pages, one byte in each 2 MiB charges all of it.
PR_SET_THP_DISABLE, MADV_HUGEPAGE, MADV_COLLAPSE = 41, 14, 25
PR_THP_DISABLE_EXCEPT_ADVISED = 2
call(NR["prctl"], PR_SET_THP_DISABLE, 0, 0, 0, 0)
call(NR["prctl"], PR_SET_THP_DISABLE, 1, PR_THP_DISABLE_EXCEPT_ADVISED, 0, 0)
SIZE = 430 << 20
start = map_anonymous(SIZE)
print(call(NR["madvise"], start, SIZE, MADV_HUGEPAGE))
touch(start, SIZE, TABLE)
print(call(NR["madvise"], start, SIZE, MADV_COLLAPSE))
MAP_HUGETLB = 0x40000
print(call(NR["mmap"], 0, 64 << 20, READ_WRITE, PRIVATE | MAP_HUGETLB, -1, 0))
