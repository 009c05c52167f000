# A socket to the hypervisor.
# contained by: outer, inner
# may be absent: the kernel may have no AF_VSOCK
table({"AF_VSOCK": call(41, 40, 1, 0)}, absent=["AF_VSOCK"])
