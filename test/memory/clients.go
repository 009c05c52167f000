//go:build linux

package memory

// clientAttacks returns the attacks by clients, each of which stands in a
// client_*.go of its own.
func clientAttacks() []Attack {
	return []Attack{
		idleConnections, manyConnections,
		unfinishedHeaders,
		longHeaders,
		stalledBodies,
		slowBodies,
		stoppedReaders, stoppedListeners,
		inputs,
		inputFiles, stoppedFileReaders,
		missingNames, cachedFiles,
		treeBodies,
		parserTrees,
		refusedBodies, bursts,
		pipelining,
		disconnectStorm,
		atDeadline,
		zygoteKilled,
		generations,
		soak,
		terminated,
	}
}
