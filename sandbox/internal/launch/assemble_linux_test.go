package launch

import (
	"math"
	"strings"
	"testing"
)

// Every test of an argument, at the edges of both halves.
func TestArgumentsAreComparedAs64Bits(t *testing.T) {
	t.Parallel()
	edges := []uint64{0, 1, 2, math.MaxInt32, math.MaxUint32 - 1, math.MaxUint32, 1 << 32, 1<<32 + 1, 2 << 32, 1<<63 - 1, 1 << 63, math.MaxUint64 - 1, math.MaxUint64}
	for _, op := range []argOp{equal, lessEqual, moreEqual, anyBit, noBits} {
		for n := range uint32(6) {
			for _, value := range edges {
				r := when("ioctl", arg(n, op, value))
				prog, err := refuse([]rule{r})
				if err != nil {
					t.Fatal(err)
				}
				f := newSimulatedFilter(t, prog, []rule{r}, answerEPERM, answerAllow)
				for _, given := range edges {
					c := native(t, "ioctl")
					c.args[n] = given
					if got, want := f.answer(t, c), f.want(c); got != want {
						t.Errorf("test %d of argument %d: %#x against %#x: %#x, want %#x", op, n, given, value, got, want)
					}
				}
			}
		}
	}
}

func TestAssembleRefuses(t *testing.T) {
	t.Parallel()
	for want, rules := range map[string][]rule{
		"no system call sesame":       calls("read", "sesame"),
		"write is named twice":        append(calls("write"), when("write", arg(0, equal, 1))),
		"read is named twice":         calls("read", "read"),
		"close is named twice":        append(whenIn("close", 0, 1), calls("close")...),
		"no call has an argument 6":   {when("write", arg(6, equal, 1))},
		"unknown test 77":             {when("write", arg(0, 77, 1))},
		"more than a jump can skip":   whenIn("write", 0, make([]uint64, 60)...),
		"write: 253 instructions: mo": {when("write", make([]argTest, 70)...)},
	} {
		for i, r := range rules {
			for j, a := range r.tests {
				if a.op == 0 {
					rules[i].tests[j].op = equal
				}
			}
		}
		if _, err := allowOnly(rules, answerEPERM); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
