# A socket to the kernel's ciphers.
# contained by: outer, inner
# may be absent: the kernel may have no AF_ALG
table({"AF_ALG": call(41, 38, 5, 0)}, absent=["AF_ALG"])
