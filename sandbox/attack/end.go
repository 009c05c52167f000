package attack

import (
	"regexp"
	"strings"
)

// An End is how a program ended.
type End string

// The ends that there are.
const (
	Won     End = "won"     // all that it tried
	Some    End = "some"    // of what it tried
	Lost    End = "lost"    // everything was refused
	Killed  End = "killed"  // by the kernel, on behalf of a filter
	Absent  End = "absent"  // this machine has no such thing
	Unknown End = "unknown" // it did not say
)

// Secret is a text that stands in no program. One that prints it has won.
const Secret = "treasuretreasure"

// Read reads what a program said of itself, and what it can't help showing: said is
// the rest of the line that begins with the word. Of several words the worst counts.
func Read(stdout string, exitCode int) (end End, said string) {
	if strings.Contains(stdout, Secret) {
		return Won, Secret
	}
	words := map[End]string{} // and what was said first behind each
	for line := range strings.Lines(stdout) {
		first, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		word := End(strings.ToLower(first))
		if _, ok := words[word]; !ok && first == strings.ToUpper(first) {
			words[word] = rest
		}
	}
	const sigsys = 31
	delete(words, Killed) // nobody can say that of itself
	if exitCode == -sigsys {
		words[Killed] = ""
	}
	for _, end := range []End{Won, Some, Lost, Killed, Absent} {
		if said, ok := words[end]; ok {
			return end, said
		}
	}
	return Unknown, ""
}

// refusedOtherwise finds a call that failed by another error than EPERM.
var refusedOtherwise = regexp.MustCompile(`: -\d`)

// RefusedOtherwise reports whether a call failed by another error than EPERM, which
// is what filters say: it got as far as the call itself.
func RefusedOtherwise(said string) bool { return refusedOtherwise.MatchString(said) }

// Held reports whether a jail held a program that ended so and said that: it was
// killed for what it tried, or all of it was refused, and by a filter.
func Held(end End, said string) bool {
	return end == Killed || end == Lost && !RefusedOtherwise(said)
}
