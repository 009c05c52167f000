package sandbox

import (
	"errors"
	"log/slog"
	"testing"
)

// A launch that fails says which step it was, and is gone a moment later. Its words
// must be read all the same: they are the sentence in which a start is refused.
func TestLastWordsOfALaunch(t *testing.T) {
	t.Parallel()
	s := sharedSandbox(t)
	nobody := s.interpreter
	nobody.Path = "/nonexistent/python3"
	for range 50 {
		z, err := startZygote(t.Context(), s.plan, func() (Interpreter, error) { return nobody, nil }, s.profile, 1, slog.New(slog.DiscardHandler))
		if err == nil {
			z.kill("not wanted")
			<-z.dead
			t.Fatal("an interpreter that is not there has started")
		}
		var step *SetupError
		if !errors.As(err, &step) || step.Step != "exec" {
			t.Fatalf("%v: want what the launch said, that exec failed", err)
		}
	}
}
