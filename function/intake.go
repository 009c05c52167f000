package function

import "sync"

// intake bounds how many requests may have a body or a reply in the server's
// memory at once. The right to it is taken before the first byte of a body is
// read, and given back after the last byte of the reply was written: a client
// that sends or reads slowly keeps others out, but never costs more memory than
// was set aside for it (see Config.doors).
type intake chan struct{}

// Requests that may have a body or a reply in memory.
const (
	intakeBase    = 2 // whatever the number of slots: what is wrong with a body is found out by reading it
	intakePerSlot = 2 // one that runs, and one whose reply is being written
)

// newIntake returns the intake for this many slots, with the line in front of
// them where requests may wait.
func newIntake(slots int, line bool) intake {
	return make(intake, intakeBase+slots*intakeOfSlot(line))
}

func intakeOfSlot(line bool) int {
	if line {
		return intakePerSlot + linePerSlot
	}
	return intakePerSlot
}

// Enter takes the right if there is one left; it never waits. With ok, the
// caller must call leave, once or more often.
func (i intake) Enter() (leave func(), ok bool) {
	select {
	case i <- struct{}{}:
		return sync.OnceFunc(func() { <-i }), true
	default:
		return nil, false
	}
}
