# Goes on after its deadline.
import time
end = time.monotonic() + @SECONDS@
while time.monotonic() < end:
    pass
report(True)
