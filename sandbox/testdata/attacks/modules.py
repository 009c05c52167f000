# Code for the kernel, and another kernel. Each with arguments that it can't take.
# contained by: outer, inner
# may be absent: a kernel may be built without modules
results = {"init_module": call(175, 0, 0, path("")), "finit_module": call(313, -1, path(""), 0), "delete_module": call(176, path("no such module"), 0), "kexec_load": call(246, 0, 0, 0, -1)}
table({name: reached(result) for name, result in results.items()}, absent=list(results))
