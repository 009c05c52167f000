package cell

import (
	"cmp"
	"math"
	"slices"
)

// Quantile returns the smallest sample that is not below the share q, > 0 and
// <= 1, of all samples (the nearest-rank definition), so 0.5 is the median. It
// panics without a sample.
func Quantile[T cmp.Ordered](samples []T, q float64) T {
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}
