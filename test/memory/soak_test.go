//go:build linux

package memory

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSoakFindsWhatIsOff soaks a server that answers everything with 500.
func TestSoakFindsWhatIsOff(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer s.Close()
	target := &Target{URL: s.URL, Addr: strings.TrimPrefix(s.URL, "http://"), Slots: 1, SoakFor: time.Second}
	var progress bytes.Buffer
	tally, err := Soak(t.Context(), target, 7, &progress)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(progress.String(), "seed 7,") {
		t.Errorf("its seed is not told: %s", &progress)
	}
	if wrong := tally.Wrong(); !slices.ContainsFunc(wrong, func(s string) bool { return strings.HasPrefix(s, "print: ") }) {
		t.Errorf("not found: %q", wrong)
	}
	tally.into(target)
	seen, _ := target.counts()
	if n := seen["print: 500"]; n == 0 || soak.mayBe("print: 500") || !soak.mayBe(Served) {
		t.Errorf("not told: %v", seen)
	}
}

// TestSoakersDrawWhatTheSeedSays: two clients of one seed and number draw the same.
func TestSoakersDrawWhatTheSeedSays(t *testing.T) {
	t.Parallel()
	draws := func(seed uint64) (names []string) {
		s := newSoaker(seed, 3, soakMix{kinds: soakKinds}, nil)
		for range 1_000 {
			names = append(names, s.draw().name)
		}
		return names
	}
	if !slices.Equal(draws(1), draws(1)) || slices.Equal(draws(1), draws(2)) {
		t.Error("the seed does not decide")
	}
	for _, k := range soakKinds {
		if !slices.Contains(draws(1), k.name) {
			t.Errorf("%s is never drawn", k.name)
		}
	}
}
