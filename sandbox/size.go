package sandbox

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// sizeSuffixes are the suffixes of a Kubernetes quantity that make sense for
// memory. "m" (milli) is legal there, and a classic mistake for "M": not here.
var sizeSuffixes = map[string]uint64{
	"":  1,
	"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
}

// ParseSize reads an amount of memory as Kubernetes writes it: decimal digits,
// a fraction if need be, and one of the suffixes Ki Mi Gi Ti (powers of 1024)
// or k M G T (powers of 1000), as in 704Mi, 1.5Gi or 1073741824. It returns
// bytes, rounded down, from 0 to math.MaxInt64. There is no sign, no space, no
// exponent and no "B".
func ParseSize(s string) (int64, error) {
	number, suffix := s, ""
	if i := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' }); i >= 0 {
		number, suffix = s[:i], s[i:]
	}
	unit, known := sizeSuffixes[suffix]
	whole, fraction, dotted := strings.Cut(number, ".")
	if !known || whole == "" || dotted && fraction == "" {
		return 0, sizeError(s)
	}
	n, err := strconv.ParseUint(whole, 10, 64)
	if err != nil {
		return 0, sizeError(s)
	}
	over, bytes := bits.Mul64(n, unit)
	part, err := partOf(fraction, unit)
	if err != nil {
		return 0, sizeError(s)
	}
	bytes, carry := bits.Add64(bytes, part, 0)
	if over != 0 || carry != 0 || bytes > math.MaxInt64 {
		return 0, sizeError(s)
	}
	return int64(bytes), nil
}

// partOf returns the decimal fraction 0.digits of unit, rounded down. Digits
// is empty, or at most 18 decimal digits: 10^18 still fits a uint64.
func partOf(digits string, unit uint64) (uint64, error) {
	if digits == "" {
		return 0, nil
	}
	if len(digits) > 18 {
		return 0, strconv.ErrRange
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, err
	}
	scale := uint64(1)
	for range digits {
		scale *= 10
	}
	// n < scale, so the quotient is less than unit and Div64 can't overflow.
	hi, lo := bits.Mul64(n, unit)
	q, _ := bits.Div64(hi, lo, scale)
	return q, nil
}

func sizeError(s string) error {
	return fmt.Errorf("size %q: want bytes with an optional suffix Ki, Mi, Gi, Ti, k, M, G or T, for example 704Mi", s)
}
