package cell

import "testing"

func TestQuantile(t *testing.T) {
	t.Parallel()
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = 100 - i
	}
	for _, tt := range []struct {
		samples []int
		q       float64
		want    int
	}{
		{[]int{7}, 0.5, 7},
		{[]int{7}, 0.01, 7},
		{[]int{3, 1, 2}, 0.5, 2},
		{[]int{4, 3, 1, 2}, 0.5, 2},
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
	} {
		if got := Quantile(tt.samples, tt.q); got != tt.want {
			t.Errorf("Quantile(%v, %v) = %d, want %d", tt.samples, tt.q, got, tt.want)
		}
	}
}
