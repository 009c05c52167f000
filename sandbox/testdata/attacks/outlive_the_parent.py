# Takes back the signal by which a run dies with its zygote.
# contained by: outer, inner
report(call(157, 1, 0, 0, 0, 0) == 0)  # prctl, PR_SET_PDEATHSIG
