# What prctl changes of a process.
# contained by: outer, inner
table({
    "PR_SET_NAME": call(157, 15, path("init"), 0, 0, 0), "PR_SET_DUMPABLE": call(157, 4, 1, 0, 0, 0), "PR_SET_KEEPCAPS": call(157, 8, 0, 0, 0, 0),
    "PR_SET_CHILD_SUBREAPER": call(157, 36, 1, 0, 0, 0), "PR_SET_TIMERSLACK": call(157, 29, 1, 0, 0, 0), "PR_SET_THP_DISABLE": call(157, 41, 0, 0, 0, 0),
    "PR_SET_PTRACER": reached(call(157, 0x59616D61, -1, 0, 0, 0)), "PR_SET_TSC": call(157, 26, 1, 0, 0, 0), "PR_SET_SYSCALL_USER_DISPATCH": call(157, 59, 0, 0, 0, 0),
    "PR_SET_SECCOMP": reached(call(157, 22, 2, 0, 0, 0)), "PR_SET_SPECULATION_CTRL": reached(call(157, 53, 99, 0, 0, 0)),
})
