# The whole machine's affairs. Each with arguments that it can't take.
# contained by: outer, inner
table({name: reached(result) for name, result in {
    "reboot": call(169, 0, 0, 0, 0), "swapon": call(167, path("/nowhere"), 0), "swapoff": call(168, path("/nowhere")), "acct": call(163, path("/nowhere")),
    "sethostname": call(170, 0, -1), "setdomainname": call(171, 0, -1), "settimeofday": call(164, 1, 0), "clock_settime": call(227, 99, 0),
    "syslog": call(103, 10, 0, 0), "adjtimex": call(159, memory(bytes(208))), "clock_adjtime": call(305, 0, memory(bytes(208))),
}.items()})
